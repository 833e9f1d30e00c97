import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createLoader } from '../../src/config/load.ts'
import { createGateway } from '../../src/gateway.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { signIn, writeConfiguration } from '../../test/support/signed-in.ts'
import { serveSubject } from '../subject.ts'

/** Portico as `portico serve` runs it, with so many sessions that are signed in; with `log` it writes its request log. */
const [upstream = '', count = '1', log] = process.argv.slice(2)
const { file, configuration, remove } = await writeConfiguration({ analytics: upstream }, [`logs: { requests: ${log === 'log'} }`])
const gateway = await createGateway({ configuration, log: createLog({ level: configuration.logs.level }) })
const { public: { port } } = await gateway.listen()
const sessions = await signIn(configuration, 'analytics.localhost', Number(count))
const load = createLoader({ file, env: {} })
let reloads = 0

/** Writes so many organizations beside the first one. */
const grow = async (count: number) => {
  for (let i = 0; i < count; i++) {
    await writeFile(join(dirname(file), 'organizations', `customer_${i}.yaml`), [
      `name: Customer ${i} ${reloads}`,
      'connections:',
      `  oidc_${i}: { connector: oidc, status: active, domains: [customer-${i}.example], discovery_url: "http://127.0.0.1:9", client_id: c, client_secret: { file: ../secret } }`
    ].join('\n'))
  }
}

serveSubject({ port, host: 'analytics.localhost', cookies: sessions.map(({ cookie }) => cookie) }, async message => {
  if (message.kind === 'organizations') await grow(Number(message.count))
  if (message.kind === 'reload') {
    // a customer more or less: what operators change most often, read from the files as `serve` does
    await grow(2 + reloads++ % 2)
    const { configuration: next } = await load()
    if (next === undefined) throw new Error('the configuration has problems')
    await gateway.reload(next)
  }
  return {}
})
process.once('disconnect', () => { remove().catch(() => {}) })
