import { DatabaseSync } from 'node:sqlite'
import { pino } from 'pino'
import { createSealer } from '../../src/sessions/seal.ts'
import { newSid } from '../../src/sessions/session.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { openStore } from '../../src/store/open.ts'
import { signIn, writeConfiguration } from '../../test/support/signed-in.ts'
import { serveSubject } from '../subject.ts'

/** Sessions over a store that has so many revocations: nine in ten of a session, the others of somebody at an identity provider. */
const [count = '0'] = process.argv.slice(2)
const host = 'analytics.localhost'
const { configuration, remove } = await writeConfiguration({ analytics: 'http://127.0.0.1:9' })
const cookies = (await signIn(configuration, host, 1_000)).map(({ cookie }) => cookie)

const fill = (path: string): void => {
  const database = new DatabaseSync(path)
  const expires = Math.floor(Date.now() / 1_000) + 7 * 86_400
  const add = database.prepare('INSERT INTO revocation (kind, value, issued_before, expires_at) VALUES (?, ?, ?, ?)')
  database.exec('BEGIN')
  for (let i = 0; i < Number(count); i++) {
    if (i % 10 === 0) add.run('subject', `acme_oidc|https://idp.acme.com ${newSid()}`, expires - 8 * 86_400, expires)
    else add.run('session', newSid(), expires - 8 * 86_400, expires)
  }
  database.exec('COMMIT')
  database.close()
}
if (configuration.store.kind === 'sqlite') fill(configuration.store.path)

const log = pino({ level: 'silent' })
const sealer = await createSealer(configuration.keys)
const sessions = createSessions({ store: await openStore(configuration, { log, follows: true }), configuration: () => configuration, sealer: () => sealer, log })
const began = performance.now()
await sessions.start()
const loaded = performance.now() - began

/** Microseconds of CPU for each of so many looks at a cookie; judged anew, as after anything that anybody has revoked. */
const cost = async (looks: number, isJudgedAnew: boolean): Promise<number> => {
  const before = process.cpuUsage()
  for (let i = 0; i < looks; i++) {
    if (i % cookies.length === 0 && isJudgedAnew) await sessions.trust.adopt(configuration)
    if (sessions.find(cookies[i % cookies.length], host) === undefined) throw new Error('signed out')
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / looks
}

serveSubject({ loaded }, async ({ kind, looks }) =>
  kind === 'cost' ? { known: await cost(Number(looks), false), anew: await cost(Number(looks), true), peak: process.resourceUsage().maxRSS * 1024 } : {})
process.once('disconnect', () => { remove().catch(() => {}) })
