import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { Agent, fetch } from 'undici'
import { samlAddressesOf } from '../../src/config/links.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { freePort } from '../support/simplesamlphp/php.ts'
import type { ServiceProvider, User } from '../support/simplesamlphp/settings.ts'

/** People at the identity provider: what their form is filled with, and what it says of them. */
export const people: readonly User[] = [
  { name: 'ada', password: 'correct horse', attributes: { mail: ['ada@acme.example'], displayName: ['Ada Lovelace'], groups: ['staff', 'R&D'] } },
  { name: 'grace', password: 'correct horse', attributes: { mail: ['grace@acme.example'], displayName: ['Grace Hopper'], groups: ['staff'] } },
  { name: 'tess', password: 'correct horse', attributes: { mail: ['tess@trial.example'], displayName: ['Tess Trial'], groups: ['R&D'] } },
  { name: 'pia', password: 'correct horse', attributes: { mail: ['pia@posts.example'], displayName: ['Pia Post'] } },
  { name: 'ivy', password: 'correct horse', attributes: { mail: ['ivy@elsewhere.example'], displayName: ['Ivy Visitor'] } }
]

export interface SamlWorld {
  readonly auth: string
  readonly analytics: string
  readonly portal: string
  /** Origin of the ops listener. */
  readonly ops: string
  /** Log lines, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** Our addresses of a connection. */
  addresses (connection: string): ReturnType<typeof samlAddressesOf>
  /** What an administrator enters at the identity provider for a connection: its addresses and certificates. */
  serviceProvider (connection: string, further?: Partial<ServiceProvider> & { readonly encrypted?: boolean }): Promise<ServiceProvider>
  /** Writes a file that organization files may name. */
  write (name: string, text: string): Promise<void>
  /** Writes organization files anew and reloads. */
  reload (files: Readonly<Record<string, string>>): Promise<void>
  /** Runs a command of Portico on the same configuration. */
  portico (...args: readonly string[]): Promise<{ readonly status: number, readonly stdout: string }>
  close (): Promise<void>
}

// Node does not resolve *.localhost, and nobody signed the certificate
const loopback = new Agent({ connect: { rejectUnauthorized: false, lookup: (_host, { all }, found) => { all === true ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4) } } })

/** An organization with one SAML connection, its id the connection's; `settings` stand on the connection. */
export const organizationOf = (connection: string, domain: string, settings: Readonly<Record<string, string>>): string => [
  `name: Customer ${connection}`,
  'connections:',
  `  ${connection}:`,
  ...Object.entries({ connector: 'saml', status: 'active', domains: `[${domain}]`, ...settings }).map(([name, value]) => `    ${name}: ${value}`)
].join('\n')

const close = async (server: Server): Promise<void> => {
  server.closeAllConnections()
  await new Promise<void>(resolve => { server.close(() => { resolve() }) })
}

/** An app that shows what it is told: `X-Auth-*` as JSON. */
const startApp = async (): Promise<{ port: number, server: Server }> => {
  const port = await freePort()
  const server = createServer(({ url = '', headers }, response) => {
    if (url === '/favicon.ico') return response.writeHead(204).end()
    const told = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-auth-') && name !== 'x-auth-assertion'))
    const text = JSON.stringify({ url, ...told }).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
    return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      .end(`<!doctype html><title>app</title><pre id="told">${text}</pre><a id="sign-out" href="/.portico/logout">Sign out</a>`)
  })
  await new Promise<void>(resolve => { server.listen(port, '127.0.0.1', resolve) })
  return { port, server }
}

/**
 * The whole gateway from YAML on a port of its own, in front of two apps; by https with a certificate that
 * nobody signed when `https` is set. `organizations` by file name.
 */
export const startSamlWorld = async (organizations: Readonly<Record<string, string>>, { https = false } = {}): Promise<SamlWorld> => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-saml-'))
  const [app, port, opsPort] = [await startApp(), await freePort(), await freePort()]
  const origin = (host: string): string => `${https ? 'https' : 'http'}://${host}.localhost:${port}`
  const file = join(folder, 'portico.yaml')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })

  await mkdir(join(folder, 'organizations'))
  await writeFile(join(folder, 'key'), randomBytes(32).toString('base64'))
  await writeFile(join(folder, 'tls.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(join(folder, 'tls.pem'), createCertificate(privateKey, { name: '*.localhost' }))
  await writeFile(file, [
    `auth_url: ${origin('auth')}`,
    `listen: { port: ${port}${https ? ', tls: { certificate: tls.pem, key: { file: tls.key } }' : ''} }`,
    `ops: { port: ${opsPort} }`,
    'keys: [{ file: key }]',
    'store: { kind: sqlite, path: portico.db }',
    'organizations: organizations',
    'apps:',
    ...['analytics', 'portal'].map(name => `  ${name}: { name: ${name}, url: "${origin(name)}", upstream: "http://127.0.0.1:${app.port}", public: [/favicon.ico] }`)
  ].join('\n'))
  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [name, yaml] of Object.entries(files)) await writeFile(join(folder, 'organizations', `${name}.yaml`), yaml)
    const { configuration, problems } = await loadConfiguration({ file, env: {} })
    if (configuration === undefined) throw new Error(`the configuration has problems: ${JSON.stringify(problems)}`)
    return configuration
  }

  const lines: Record<string, unknown>[] = []
  const log = createLog({ level: 'debug', destination: { write: line => { lines.push(JSON.parse(line)) } } })
  const gateway: Gateway = await createGateway({ configuration: await write(organizations), log })
  await gateway.listen()
  const addresses = (connection: string) => samlAddressesOf(origin('auth'), connection)
  return {
    auth: origin('auth'),
    analytics: origin('analytics'),
    portal: origin('portal'),
    ops: `http://127.0.0.1:${opsPort}`,
    lines,
    addresses,
    serviceProvider: async (connection, { encrypted = false, ...further } = {}) => {
      const { acs, slo, metadata } = addresses(connection)
      const xml = await (await fetch(metadata, { dispatcher: loopback })).text()
      const certificateFor = (use: string): string => {
        const [, body = ''] = new RegExp(`use="${use}".*?X509Certificate>([^<]+)<`, 's').exec(xml) ?? []
        return new X509Certificate(Buffer.from(body, 'base64')).toString()
      }
      return { entityId: metadata, acs, slo, signingCertificate: certificateFor('signing'), ...further, ...encrypted && { encryptionCertificate: certificateFor('encryption') } }
    },
    write: async (name, text) => { await writeFile(join(folder, 'organizations', name), text) },
    reload: async files => { await gateway.reload(await write(files)) },
    portico: async (...args) => await promisify(execFile)(process.execPath, ['bin/portico.js', ...args, '--config', file])
      .then(({ stdout }) => ({ status: 0, stdout }), ({ code, stdout }: { code: number, stdout: string }) => ({ status: code, stdout })),
    close: async () => {
      await gateway.close()
      await close(app.server)
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Signs in at SimpleSAMLphp's form. */
export const signInAtSimpleSaml = async (page: Page, name: string): Promise<void> => {
  await page.fill('input[name=username]', name)
  await page.fill('input[name=password]', people.find(person => person.name === name)?.password ?? '')
  await page.click('button[type=submit]')
}

/** What an app was told, once it is there. */
export const told = async (page: Page): Promise<unknown> => {
  await page.waitForSelector('#told')
  return JSON.parse(await page.innerText('#told'))
}
