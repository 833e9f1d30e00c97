import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { RedisStoreSettings } from '../../src/config/configuration.ts'
import { freePort } from './free-port.ts'
import type { Test } from './gateway.ts'
import { isListening } from './is-listening.ts'

const isInstalled = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Why tests of Redis are skipped, for `{ skip }`: never in CI. */
export const noRedis: string | false =
  process.env['CI'] === 'true' || isInstalled('redis-server') ? false : 'redis-server is not installed'

/** PEM files: an authority, a server's certificate for 127.0.0.1 and redis.test, and a client's. */
export interface Certificates {
  readonly ca: string
  readonly server: { readonly certificate: string, readonly key: string }
  readonly client: { readonly certificate: string, readonly key: string }
}

const makeCertificates = (folder: string): Certificates => {
  const make = (name: string, subject: string, ...more: string[]): { certificate: string, key: string } => {
    const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', subject, '-keyout', key, '-out', certificate, ...more], { stdio: 'ignore' })
    return { certificate, key }
  }
  const ca = make('ca', '/CN=The authority of the tests')
  const signed = ['-CA', ca.certificate, '-CAkey', ca.key, '-addext', 'basicConstraints=critical,CA:FALSE']
  return {
    ca: ca.certificate,
    server: make('server', '/CN=redis.test', ...signed, '-addext', 'subjectAltName=DNS:redis.test,IP:127.0.0.1'),
    client: make('client', '/CN=portico', ...signed)
  }
}

export interface RedisOptions {
  /** Whether a restart finds what was there: an append-only file, written through. */
  readonly isPersistent?: boolean
  /** Speaks TLS alone, and asks for a client certificate. */
  readonly isEncrypted?: boolean
  /** Further lines of redis.conf. */
  readonly lines?: readonly string[]
}

/** A redis-server of its own, on a free port of 127.0.0.1; it ends with the test. */
export interface RunningRedis {
  readonly port: number
  readonly url: string
  readonly certificates: Certificates | undefined
  /** Lets it hang: it takes connections, and answers nothing (SIGSTOP). */
  hang (): void
  resume (): void
  /** As a power cut does (SIGKILL). */
  kill (): Promise<void>
  /** Starts it again on its port, with what is on its disk; `isEmpty`: without. */
  start (options?: { readonly isEmpty?: boolean }): Promise<void>
  /** What redis-cli answers. */
  ask (...command: string[]): string
}

const run = async (t: Test, { isPersistent = false, isEncrypted = false, lines = [] }: RedisOptions, more: readonly string[]): Promise<RunningRedis> => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-redis-'))
  const port = await freePort()
  const certificates = isEncrypted ? makeCertificates(folder) : undefined
  const configuration = join(folder, 'redis.conf')
  const write = (): void => writeFileSync(configuration, [
    'bind 127.0.0.1',
    `dir ${folder}`,
    ...certificates === undefined
      ? [`port ${port}`]
      : ['port 0', `tls-port ${port}`, `tls-cert-file ${certificates.server.certificate}`, `tls-key-file ${certificates.server.key}`,
          `tls-ca-cert-file ${certificates.ca}`, 'tls-replication yes', 'tls-cluster yes'],
    ...lines
  ].join('\n'))
  let child: ChildProcess | undefined

  const kill: RunningRedis['kill'] = async () => {
    if (child === undefined) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    child = undefined
  }

  const start: RunningRedis['start'] = async ({ isEmpty = false } = {}) => {
    if (isEmpty) for (const name of ['appendonlydir', 'dump.rdb']) rmSync(join(folder, name), { recursive: true, force: true })
    write()
    const started = spawn('redis-server', [configuration, ...more, ...isPersistent ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []], { stdio: 'ignore' })
    child = started
    while (!await isListening(port)) {
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`)
      await wait(20)
    }
  }

  t.teardown(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await start()
  const cli = certificates === undefined ? [] : ['--tls', '--cacert', certificates.ca, '--cert', certificates.client.certificate, '--key', certificates.client.key]
  return {
    port,
    url: `${isEncrypted ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    certificates,
    hang: () => { child?.kill('SIGSTOP') },
    resume: () => { child?.kill('SIGCONT') },
    kill,
    start,
    ask: (...command) => execFileSync('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...cli, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  }
}

/** Starts one that keeps nothing unless told otherwise. */
export const startRedis = (t: Test, options: RedisOptions = {}): Promise<RunningRedis> => run(t, options, ['--save', ''])

/** A master, its replica, and Sentinels (`mymaster`) of which two agree on whom to promote, half a second after the master is gone. */
export const startSentinels = async (t: Test): Promise<{ master: RunningRedis, replica: RunningRedis, sentinels: readonly RunningRedis[] }> => {
  const master = await startRedis(t)
  const replica = await startRedis(t, { lines: [`replicaof 127.0.0.1 ${master.port}`] })
  const lines = [
    `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
    'sentinel down-after-milliseconds mymaster 500',
    'sentinel failover-timeout mymaster 2000'
  ]
  const sentinels = [await run(t, { lines }, ['--sentinel']), await run(t, { lines }, ['--sentinel']), await run(t, { lines }, ['--sentinel'])]
  // they find each other by way of the master
  while (!sentinels.every(({ ask }) => ask('sentinel', 'ckquorum', 'mymaster').startsWith('OK')) || !sentinels.every(({ ask }) => ask('sentinel', 'replicas', 'mymaster').includes(String(replica.port)))) await wait(100)
  return { master, replica, sentinels }
}

/** A Cluster of three masters; `masters[i]` has the i-th third of the slots. */
export const startCluster = async (t: Test): Promise<{ masters: readonly RunningRedis[] }> => {
  const masters = []
  for (let i = 0; i < 3; i++) masters.push(await startRedis(t, { lines: ['cluster-enabled yes', 'cluster-node-timeout 1000', `cluster-port ${await freePort()}`] }))
  execFileSync('redis-cli', ['--cluster', 'create', ...masters.map(({ port }) => `127.0.0.1:${port}`), '--cluster-yes'], { stdio: 'ignore' })
  while (!masters.every(({ ask }) => ask('cluster', 'info').includes('cluster_state:ok'))) await wait(100)
  return { masters }
}

/** Settings for one server, as they come out of the configuration. */
export const redisSettings = (port: number, changed: Partial<RedisStoreSettings> = {}): RedisStoreSettings => ({
  kind: 'redis',
  through: 'server',
  addresses: [{ host: '127.0.0.1', port }],
  master: undefined,
  database: 0,
  username: undefined,
  password: undefined,
  sentinelUsername: undefined,
  sentinelPassword: undefined,
  tls: undefined,
  prefix: 'portico',
  ...changed
})
