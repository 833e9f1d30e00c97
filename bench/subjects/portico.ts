import { createGateway } from '../../src/gateway.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { signIn, writeConfiguration } from '../../test/support/signed-in.ts'
import { serveSubject } from '../subject.ts'

/** Portico as `portico serve` runs it, with so many sessions that are signed in; with `log` it writes its request log. */
const [upstream = '', count = '1', log] = process.argv.slice(2)
const { configuration, remove } = await writeConfiguration({ analytics: upstream }, [`logs: { requests: ${log === 'log'} }`])
const gateway = await createGateway({ configuration, log: createLog({ level: configuration.logs.level }) })
const { public: { port } } = await gateway.listen()
const sessions = await signIn(configuration, 'analytics.localhost', Number(count))
serveSubject({ port, host: 'analytics.localhost', cookies: sessions.map(({ cookie }) => cookie) }, async message => {
  if (message.kind === 'reload') await gateway.reload({ ...configuration })
  return {}
})
process.once('disconnect', () => { remove().catch(() => {}) })
