import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { WebSocketServer } from 'ws'
import type { Configuration, SqliteStoreSettings } from '../../src/config/configuration.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createBrowser, send, type Answer, type Browser, type CookieJar } from './browser.ts'
import { signIn, startProvider, type ProviderOptions, type RunningProvider } from './provider.ts'

/** Something that can be told to call back when the test is over. */
export interface Test { teardown (handler: () => unknown): void }

/** What an upstream app received; WebSockets are echoed. */
export interface Echo {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export const origins = {
  auth: 'http://auth.localhost:8080',
  analytics: 'http://analytics.localhost:8080',
  dashboardUs: 'http://dashboard.localhost:8080',
  dashboardEu: 'http://dashboard-eu.localhost:8080',
  portal: 'http://portal.localhost:8080'
} as const

export const callbackOf = (connection: string): string => `${origins.auth}/login/${connection}/callback`

/** People at each provider, by what they type there. */
const accounts = {
  acme: {
    ada: { email: 'ada@acme.com', email_verified: true, name: 'Ada Lovelace', groups: ['staff'] },
    grace: { email: 'grace@acme.co.uk', email_verified: true, name: 'Grace Hopper' },
    intruder: { email: 'hari@globex.com', email_verified: true, name: 'Somebody of Acme' }
  },
  globex: { hari: { email: 'hari@globex.com', email_verified: true, name: 'Hari Čapek' } }
}

type Company = keyof typeof accounts

const organization = (name: string, connection: string, issuer: string, settings: Readonly<Record<string, string>>, lines: readonly string[] = []): string => [
  `name: ${name}`,
  ...lines,
  'connections:',
  `  ${connection}:`,
  ...Object.entries({ connector: 'oidc', status: 'active', discovery_url: issuer, client_id: 'portico', client_secret: '{ file: ../secret }', ...settings })
    .map(([key, value]) => `    ${key}: ${value}`)
].join('\n')

export interface GatewayOptions {
  /** The ops listener's settings, as they stand between braces beside its port. */
  readonly ops?: string
  /** Lines of portico.yaml beside the usual ones. */
  readonly lines?: readonly string[]
  /** The organization files by id; those not named are as usual, `undefined` leaves one out. */
  readonly organizations?: (usual: Readonly<Record<string, string>>) => Readonly<Record<string, string | undefined>>
  /** Further settings of the app analytics, as they stand between braces. */
  readonly analytics?: string
  /** Further people at a provider, by login; the object may be changed while it runs. */
  readonly people?: Partial<Record<Company, Record<string, Readonly<Record<string, unknown>>>>>
  /** The providers sign people out, by request and by logout tokens. */
  readonly logout?: boolean
  /** Over how both providers are configured, and what they answer. */
  readonly provider?: Pick<ProviderOptions, 'configuration' | 'intercept'>
  /** Over the settings of the clients at both providers. */
  readonly client?: Readonly<Record<string, unknown>>
}

export interface World {
  readonly gateway: Gateway
  /** Where the public server really listens: origins say 8080. */
  readonly port: number
  readonly opsPort: number
  readonly acme: RunningProvider
  readonly globex: RunningProvider
  /** Log lines, parsed. */
  readonly lines: readonly Record<string, unknown>[]
  /** What the upstream apps received, in order. */
  readonly received: readonly Echo[]
  /** As it was when the gateway started; its `store.path` and `keys` stay. */
  readonly configuration: Configuration & { readonly store: SqliteStoreSettings }
  /** A browser that knows where the gateway is. */
  browser (jar?: CookieJar): Browser
  /** Opens a page, types the e-mail if asked, signs in at the provider if asked, and ends where the browser ends. */
  signIn (browser: Browser, page: string, login?: string): Promise<Answer>
  /** As `signIn`, up to the redirect that leaves the provider: its `location` is the return. */
  reachProvider (browser: Browser, page: string, login?: string): Promise<Answer>
  /** Writes an organization file anew (removes it with `undefined`) and reloads. */
  reload (files: Readonly<Record<string, string | undefined>>): Promise<void>
  /** The usual files, to be changed and given to `reload`. */
  readonly files: Readonly<Record<string, string>>
  /** Moves the clock of this process, and so the gateway's, ahead; seconds, from the true time. */
  setClock (seconds: number): void
}

const startUpstream = async (t: Test, received: Echo[]): Promise<number> => {
  const server = createServer((request, response) => {
    text(request).then(body => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      const echo = { method: request.method ?? '', url: request.url ?? '', headers, body }
      received.push(echo)
      response.setHeader('content-type', 'application/json').end(JSON.stringify(echo))
    }, () => response.destroy())
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => socket.on('message', message => socket.send(String(message))))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close(resolve)
  }))
  return (server.address() as AddressInfo).port
}

/** What a client has whose provider signs people out. */
const logoutOf = (connection: string) => ({
  post_logout_redirect_uris: [`${origins.auth}/logout/done`],
  backchannel_logout_uri: `${origins.auth}/logout/${connection}/backchannel`,
  backchannel_logout_session_required: true
})

const providerOf = async (t: Test, company: Company, connection: string, secret: string, gatewayPort: () => number, { client = {}, people = {}, logout = false, provider: changed = {} }: GatewayOptions): Promise<RunningProvider> => {
  const provider = await startProvider({
    accounts: Object.assign(people[company] ?? {}, { ...accounts[company], ...people[company] }),
    // a second sign-in at the provider would end codes of the first that tests have not used yet
    ...changed,
    configuration: { expiresWithSession: () => false, ...changed.configuration },
    ...logout && { logout: { post: async (url, body) => (await send(url, { method: 'POST', body, mode: 'cors', connect: { port: gatewayPort() } })).status } },
    clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: [callbackOf(connection)], ...logout && logoutOf(connection), ...client }]
  })
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await provider.close()
  }
  t.teardown(close)
  return { ...provider, close }
}

/** E-mail and login of everybody who can be signed in; `login` is what the provider is told. */
const emails: Readonly<Record<string, string>> = { ada: 'ada@acme.com', grace: 'grace@acme.co.uk', intruder: 'ada@acme.com', hari: 'hari@globex.com' }

/**
 * The whole gateway, from YAML, over real sockets: four app hosts that echo what they receive, two
 * companies with a real provider each (acme: all apps; globex: the portal alone), one that is being
 * tested and one that is disabled.
 */
export const startGateway = async (t: Test, options: GatewayOptions = {}): Promise<World> => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-gateway-'))
  const secret = 'a secret of the client at the provider'
  const received: Echo[] = []
  const upstream = await startUpstream(t, received)
  let port = 0
  const acme = await providerOf(t, 'acme', 'acme_oidc', secret, () => port, options)
  const globex = await providerOf(t, 'globex', 'globex_oidc', secret, () => port, options)

  const usual = {
    acme: organization('Acme Corp', 'acme_oidc', acme.issuer, { domains: '[acme.com, acme.co.uk]' }),
    globex: organization('Globex', 'globex_oidc', globex.issuer, { domains: '[globex.com]' }, ['apps: [portal]']),
    trial: organization('Trial', 'trial_oidc', acme.issuer, { domains: '[trial.example]', status: 'testing' }),
    gone: organization('Gone', 'gone_oidc', acme.issuer, { domains: '[gone.example]', status: 'disabled' })
  }
  const files = Object.fromEntries(Object.entries({ ...usual, ...options.organizations?.(usual) })
    .filter((entry): entry is [string, string] => entry[1] !== undefined))

  await mkdir(join(folder, 'organizations'))
  await writeFile(join(folder, 'key'), randomBytes(32).toString('base64'))
  await writeFile(join(folder, 'secret'), secret)
  const place = (name: string): string => `url: "http://${name}.localhost:8080", upstream: "http://127.0.0.1:${upstream}"`
  const file = join(folder, 'portico.yaml')
  await writeFile(file, [
    `auth_url: ${origins.auth}`,
    'listen: { port: 0 }',
    `ops: { port: 0${options.ops === undefined ? '' : `, ${options.ops}`} }`,
    'keys: [{ file: key }]',
    'store: { kind: sqlite, path: portico.db }',
    'organizations: organizations',
    ...options.lines ?? [],
    'apps:',
    `  analytics: { name: Analytics, ${place('analytics')}, public: [/public/*]${options.analytics === undefined ? '' : `, ${options.analytics}`} }`,
    '  dashboard:',
    '    name: Dashboard',
    `    regions: { us: { ${place('dashboard')} }, eu: { ${place('dashboard-eu')} } }`,
    `  portal: { name: Portal, home: /start, ${place('portal')} }`
  ].join('\n'))

  const write = async (changes: Readonly<Record<string, string | undefined>>) => {
    for (const [id, yaml] of Object.entries(changes)) {
      const path = join(folder, 'organizations', `${id}.yaml`)
      await (yaml === undefined ? unlink(path) : writeFile(path, yaml))
    }
    const { configuration, problems } = await loadConfiguration({ file, env: {} })
    if (configuration === undefined) throw new Error(`the configuration has problems: ${JSON.stringify(problems)}`)
    const { store } = configuration
    if (store.kind !== 'sqlite') throw new Error('the gateway of the tests keeps a file')
    return { ...configuration, store }
  }

  const lines: Record<string, unknown>[] = []
  const configuration = await write(files)
  const log = createLog({ level: 'debug', destination: { write: line => { lines.push(JSON.parse(line)) } } })
  const gateway = await createGateway({ configuration, log })
  const addresses = await gateway.listen()
  const trueNow = Date.now
  t.teardown(async () => {
    Date.now = trueNow
    await gateway.close()
    await rm(folder, { recursive: true, force: true })
  })

  port = addresses.public.port
  const browser: World['browser'] = jar => createBrowser({
    ...jar !== undefined && { jar },
    connect: ({ hostname }) => hostname.endsWith('.localhost') ? { port } : undefined
  })
  const isProvider = (url: URL): boolean => [acme.port, globex.port].includes(Number(url.port))

  const reachProvider: World['reachProvider'] = async (browser, page, login = 'ada') => {
    let answer = await browser.open(page, { until: isProvider })
    if (answer.text.includes('name="email"')) {
      answer = await browser.follow(await submit(browser, answer, { email: emails[login] ?? login }), isProvider)
    }
    return answer.location !== undefined && isProvider(answer.location) ? await signIn(answer.location, browser, login) : answer
  }

  return {
    gateway,
    port,
    opsPort: addresses.ops.port,
    acme,
    globex,
    lines,
    received,
    configuration,
    browser,
    reachProvider,
    signIn: async (browser, page, login) => await browser.follow(await reachProvider(browser, page, login)),
    reload: async changes => await gateway.reload(await write(changes)),
    files,
    setClock: seconds => { Date.now = () => trueNow() + seconds * 1_000 }
  }
}

const decode = (markup: string): string => markup
  .replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')

/** The fields of the page's only form, and where it leads. */
export const formOf = (answer: Answer): { method: string, action: URL, fields: Record<string, string> } => {
  const form = /<form method="(get|post)" action="([^"]*)">(.*?)<\/form>/s.exec(answer.text)
  if (form === null) throw new Error(`no form on the page: HTTP ${answer.status} ${answer.text.slice(0, 400)}`)
  const [, method = '', action = '', inside = ''] = form
  const fields = [...inside.matchAll(/<input [^>]*name="([^"]*)"[^>]* value="([^"]*)"/g)].map(([, name = '', value = '']) => [decode(name), decode(value)])
  return { method, action: new URL(decode(action), answer.url), fields: Object.fromEntries(fields) }
}

/** Sends the page's form as a person does, redirects not followed. */
export const submit = async (browser: Browser, answer: Answer, values: Readonly<Record<string, string>> = {}): Promise<Answer> => {
  const { method, action, fields } = formOf(answer)
  const sent = new URLSearchParams({ ...fields, ...values })
  const site = { 'sec-fetch-site': 'same-origin' }
  if (method === 'post') return await browser.send(action, { body: sent, headers: site })
  action.search = sent.toString()
  return await browser.send(action, { headers: site })
}

/** The links of a page, by their text. */
export const linksOf = (answer: Answer): Readonly<Record<string, string>> =>
  Object.fromEntries([...answer.text.matchAll(/<a [^>]*href="([^"]*)"[^>]*>([^<]*)<\/a>/g)].map(([, href = '', label = '']) => [decode(label), new URL(decode(href), answer.url).href]))

/** The code that a page or a problem shows; undefined when there is none. */
export const codeOf = (answer: Answer): string | undefined => /PORTICO_[A-Z_]+/.exec(answer.text)?.[0]

/** Where a page goes on by itself: its own address where it names none; undefined when it stays. */
export const refreshOf = ({ text, url }: Answer): URL | undefined => {
  const content = /<meta http-equiv="refresh" content="[0-9]+([^"]*)">/.exec(text)?.[1]
  return content === undefined ? undefined : new URL(decode(content.replace(/^;url=/, '')), url)
}
