import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { Configuration } from '../../src/config/configuration.ts'
import { createLoader } from '../../src/config/load.ts'
import { createWarming } from '../../src/connections/warming.ts'
import { key, writeFiles } from '../config/support.ts'

const main = `auth_url: https://auth.example.com
keys: [{ env: PORTICO_KEY }]
organizations: ./organizations
apps:
  analytics: { url: https://analytics.example.com, upstream: http://127.0.0.1:9101 }
`
const organization = (id: string, more: string): string => `name: ${id}
connections:
  ${id}: { connector: oidc, domains: [${id}.example], discovery_url: https://idp.example, client_id: x, client_secret: { env: PORTICO_KEY }, ${more} }
`

t.test('a few providers are asked ahead, by how their connections stand now, and after a reload those that changed', async t => {
  const folder = t.testdir({ 'portico.yaml': main, organizations: {} })
  const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
  const files = (ids: readonly string[], more: string): Record<string, string> => Object.fromEntries(ids.map(id => [`organizations/${id}.yaml`, organization(id, more)]))
  await writeFiles(folder, {
    ...files(ids('begun', 5), 'activate_at: 2026-01-01'),
    ...files(ids('later', 150), 'activate_at: 2030-01-01'),
    ...files(ids('off', 5), 'status: disabled'),
    ...files(ids('on', 100), 'status: active')
  })
  const load = createLoader({ file: join(folder, 'portico.yaml'), env: { PORTICO_KEY: key(1) } })
  const loaded = async (): Promise<Configuration> => {
    const { configuration, problems } = await load()
    if (configuration === undefined) throw new Error(JSON.stringify(problems))
    return configuration
  }
  const asked: string[] = []
  let busy = 0
  let busiest = 0
  const warming = createWarming({
    warm: async ({ id }) => {
      busiest = Math.max(busiest, ++busy)
      await setTimeout(1)
      asked.push(id)
      busy--
    },
    health: () => ({ lastGood: undefined, lastError: undefined, lastErrorAt: undefined })
  }, { now: () => Date.UTC(2027, 0, 1) / 1_000, pace: 0 })
  const until = async (count: number): Promise<void> => {
    while (asked.length < count) await setTimeout(5)
    await setTimeout(20)
  }

  warming.begin(await loaded())
  await until(200)
  t.equal(asked.length, 200, 'no more than that')
  t.same(asked.slice(0, 105).map(id => id.replace(/\d+/, '')).sort(), [...Array<string>(5).fill('begun'), ...Array<string>(100).fill('on')], 'active ones first')
  t.notOk(asked.some(id => id.startsWith('off')), 'nobody asks the provider of one that is off')
  t.ok(busiest <= 4, 'few at once')

  asked.length = 0
  await writeFiles(folder, { ...files(['on7'], 'status: active, name: Anew'), ...files(['new'], 'status: active') })
  warming.begin(await loaded())
  await until(2)
  t.same(asked.sort(), ['new', 'on7'])
})
