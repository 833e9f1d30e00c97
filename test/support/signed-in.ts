import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Configuration } from '../../src/config/configuration.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import { newSid } from '../../src/sessions/session.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { openStore } from '../../src/store/open.ts'

/** A folder with configuration files, and the Configuration that they say. */
export interface Written {
  readonly file: string
  readonly configuration: Configuration
  remove (): Promise<void>
}

/**
 * One organization, acme, with one connection, and apps at `<name>.localhost` with these upstreams.
 * Ports are the system's choice; what else is to stand in portico.yaml can be added as lines.
 */
export const writeConfiguration = async (upstreams: Readonly<Record<string, string>>, lines: readonly string[] = []): Promise<Written> => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-'))
  const file = join(folder, 'portico.yaml')
  await mkdir(join(folder, 'organizations'))
  await writeFile(join(folder, 'key'), randomBytes(32).toString('base64'))
  await writeFile(join(folder, 'secret'), 'not asked for')
  await writeFile(file, [
    'auth_url: http://auth.localhost:8080',
    'listen: { port: 0 }',
    'ops: { port: 0 }',
    'keys: [{ file: key }]',
    'store: { kind: sqlite, path: portico.db }',
    'organizations: organizations',
    ...lines,
    'apps:',
    ...Object.entries(upstreams).map(([name, upstream]) => `  ${name}: { url: "http://${name}.localhost:8080", upstream: "${upstream}", public: [/public/*] }`)
  ].join('\n'))
  await writeFile(join(folder, 'organizations', 'acme.yaml'), [
    'name: Acme Corp',
    'connections:',
    '  acme_oidc: { connector: oidc, status: active, domains: [acme.com], discovery_url: "http://127.0.0.1:9", client_id: portico, client_secret: { file: ../secret } }'
  ].join('\n'))
  const { configuration, problems } = await loadConfiguration({ file, env: {} })
  if (configuration === undefined) throw new Error(`the configuration has problems: ${JSON.stringify(problems)}`)
  return { file, configuration, remove: () => rm(folder, { recursive: true, force: true }) }
}

/**
 * Cookie pairs of so many different members' sessions for a host, sealed as the running gateway with
 * this configuration does: another process beside it, with the same keys and the same store.
 */
export const signIn = async (configuration: Configuration, host: string, count = 1): Promise<{ cookie: string, end: () => Promise<void> }[]> => {
  const log = pino({ level: 'silent' })
  const sealer = await createSealer(configuration.keys)
  const withStore = async <T>(work: (sessions: ReturnType<typeof createSessions>) => Promise<T>): Promise<T> => {
    const store = await openStore(configuration, { log, follows: false })
    const sessions = createSessions({ store, configuration: () => configuration, sealer: () => sealer, log })
    try {
      await sessions.start()
      return await work(sessions)
    } finally {
      await sessions.stop()
      await store.close()
    }
  }
  return await withStore(async sessions => {
    const now = Math.floor(Date.now() / 1_000)
    const made = []
    for (let i = 0; i < count; i++) {
      const session = {
        sid: newSid(),
        host,
        member: `mem_${String(i).padStart(20, '0')}`,
        organization: 'acme',
        connection: 'acme_oidc',
        generation: sessions.trust.generation('acme_oidc') ?? 0,
        subject: `https://idp.acme.com ${i}`,
        email: `ada.lovelace.${i}@acme.com`,
        name: 'Ada Lovelace',
        groups: ['engineering', 'operations', 'administrators'],
        newUser: false,
        amr: ['pwd', 'mfa'],
        authTime: now,
        startedAt: now
      }
      const [cookie = ''] = (await sessions.issue(session, host)).split(';')
      made.push({ cookie, end: () => withStore(other => other.end(session, 'test')) })
    }
    return made
  })
}
