import { addressesFor } from '../../src/access/members.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { ownerOf } from '../../src/config/standing.ts'
import { serveSubject } from '../subject.ts'

/** Nanoseconds of one look-up in a loaded configuration, the best of some rounds: noise only ever adds. */
const [file = ''] = process.argv.slice(2)
const { configuration, problems } = await loadConfiguration({ file, env: {} })
if (configuration === undefined) throw new Error(JSON.stringify(problems.slice(0, 3)))
const rounds = 30
const times = 20_000
const now = Date.now() / 1_000

const measure = <Key>(keys: readonly Key[], look: (key: Key) => unknown): number => {
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const began = process.hrtime.bigint()
    for (let i = 0; i < times; i++) {
      const key = keys[(i * 7_919) % keys.length]
      if (key !== undefined && look(key) === undefined) throw new Error(`not found: ${String(key)}`)
    }
    best = Math.min(best, Number(process.hrtime.bigint() - began) / times)
  }
  return best
}

/** As many of few as of many, so that what is compared is looking up and not the processor's cache. */
const sample = <Key>(all: Iterable<Key>): Key[] => {
  const keys = [...all]
  return Array.from({ length: 100 }, (_, i) => keys[Math.floor(i * keys.length / 100)]).filter(key => key !== undefined)
}
const domains = sample(configuration.domains.keys())
const hosts = sample(configuration.loginHosts.keys())
const members = Array.from({ length: 1_000 }, (_, i) => `ada.lovelace.${i}@acme.com`)
const acme = configuration.connections.get('acme_oidc')
if (acme === undefined) throw new Error('no acme')
serveSubject({
  email: measure(domains, domain => ownerOf(configuration, domain, now)),
  host: measure(hosts, host => configuration.loginHosts.get(host)),
  decision: measure(members, email => addressesFor(acme, email))
})
