import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'

/** A cookie as the browser holds it. */
export interface Cookie {
  readonly name: string
  readonly value: string
  /** Host it was set by, or the `Domain` it names. */
  readonly domain: string
  readonly hostOnly: boolean
  readonly path: string
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: string
  /** Milliseconds since the epoch. */
  readonly expires: number
}

/** What a browser holds between requests. Cookies ignore ports, as in real life. */
export interface CookieJar {
  /** The `Cookie` header for `url`; `undefined` when there is none. */
  header (url: URL, options?: { crossSitePost?: boolean }): string | undefined
  /** Takes `Set-Cookie` lines; those that a browser would refuse are ignored. */
  take (url: URL, lines: readonly string[]): void
  all (): readonly Cookie[]
  find (name: string, host?: string): Cookie | undefined
  /** Puts a cookie there as if its host had set it. */
  set (host: string, name: string, value: string): void
  remove (name: string, host?: string): void
  clear (): void
}

const potentiallyTrustworthy = (url: URL): boolean =>
  url.protocol === 'https:' || /^(?:localhost|127\..*|\[::1\]|.*\.localhost)$/.test(url.hostname)

const parseSetCookie = (line: string, url: URL): Cookie | undefined => {
  const [pair = '', ...attributes] = line.split(';')
  const equals = pair.indexOf('=')
  if (equals < 1) return undefined
  const seen = new Map(attributes.map(attribute => {
    const [key = '', ...rest] = attribute.split('=')
    return [key.trim().toLowerCase(), rest.join('=').trim()]
  }))
  const name = pair.slice(0, equals).trim()
  const domain = (seen.get('domain') ?? '').replace(/^\./, '').toLowerCase()
  const path = seen.get('path') ?? '/'
  const maxAge = seen.get('max-age')
  const expires = seen.get('expires')
  const secure = seen.has('secure')
  if (domain !== '' && url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) return undefined
  if (secure && !potentiallyTrustworthy(url)) return undefined
  if (/^__Secure-/i.test(name) && !secure) return undefined
  if (/^__Host-/i.test(name) && (!secure || path !== '/' || seen.has('domain'))) return undefined
  return {
    name,
    value: pair.slice(equals + 1).trim(),
    domain: domain === '' ? url.hostname : domain,
    hostOnly: domain === '',
    path: path.startsWith('/') ? path : '/',
    secure,
    httpOnly: seen.has('httponly'),
    sameSite: (seen.get('samesite') ?? 'lax').toLowerCase(),
    expires: maxAge !== undefined ? Date.now() + Number(maxAge) * 1000 : expires !== undefined ? Date.parse(expires) : Infinity
  }
}

const sameCookie = (a: Cookie, b: Cookie): boolean =>
  a.name === b.name && a.domain === b.domain && a.path === b.path && a.hostOnly === b.hostOnly

export const createJar = (): CookieJar => {
  let cookies: Cookie[] = []
  const live = (): Cookie[] => cookies.filter(cookie => cookie.expires > Date.now())
  return {
    header (url, options = {}) {
      const sent = live().filter(cookie =>
        (cookie.hostOnly ? cookie.domain === url.hostname : url.hostname === cookie.domain || url.hostname.endsWith(`.${cookie.domain}`)) &&
        (url.pathname === cookie.path || url.pathname.startsWith(cookie.path.endsWith('/') ? cookie.path : `${cookie.path}/`)) &&
        (!cookie.secure || potentiallyTrustworthy(url)) &&
        (options.crossSitePost !== true || cookie.sameSite === 'none'))
      return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
    take (url, lines) {
      for (const line of lines) {
        const cookie = parseSetCookie(line, url)
        if (cookie === undefined) continue
        cookies = cookies.filter(other => !sameCookie(other, cookie))
        if (cookie.expires > Date.now()) cookies.push(cookie)
      }
    },
    all: live,
    find: (name, host) => live().find(cookie => cookie.name === name && (host === undefined || cookie.domain === host)),
    set (host, name, value) {
      this.remove(name, host)
      cookies.push({ name, value, domain: host, hostOnly: true, path: '/', secure: false, httpOnly: true, sameSite: 'lax', expires: Infinity })
    },
    remove (name, host) {
      cookies = cookies.filter(cookie => !(cookie.name === name && (host === undefined || cookie.domain === host)))
    },
    clear () { cookies = [] }
  }
}

export interface SendOptions {
  readonly jar?: CookieJar | undefined
  readonly method?: string | undefined
  /** Override what the browser would send; `undefined` leaves a header out. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined
  readonly body?: string | URLSearchParams | undefined
  /** Where to connect whatever the URL says; the URL still makes the `Host` header. */
  readonly connect?: { readonly host?: string, readonly port: number } | undefined
  /** A form that another site's page posts: Lax cookies stay at home. */
  readonly crossSitePost?: boolean | undefined
  /** What `fetch ()` in a page sends instead of a navigation. */
  readonly mode?: 'navigate' | 'cors' | undefined
  /** Keeps connections open for many requests; each has its own without. */
  readonly agent?: Agent | undefined
  /** PEM of a CA for https. */
  readonly ca?: string | undefined
}

/** One request and what came back. */
export interface Answer {
  readonly url: URL
  readonly method: string
  readonly status: number
  readonly headers: Headers
  readonly setCookies: readonly string[]
  readonly text: string
  /** Absolute target of a redirect. */
  readonly location: URL | undefined
  json (): unknown
}

const navigation = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none', 'upgrade-insecure-requests': '1' }
const scripted = { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' }

const plainHeaders = (message: IncomingMessage): Headers => {
  const headers = new Headers()
  for (let i = 0; i < message.rawHeaders.length; i += 2) headers.append(message.rawHeaders[i] ?? '', message.rawHeaders[i + 1] ?? '')
  return headers
}

/** One request as a browser makes it, redirects not followed. `*.localhost` is 127.0.0.1 (RFC 6761 §6.3). */
export const send = async (target: string | URL, options: SendOptions = {}): Promise<Answer> => {
  const url = new URL(target)
  const method = options.method ?? (options.body === undefined ? 'GET' : 'POST')
  const cookie = options.jar?.header(url, { crossSitePost: options.crossSitePost === true })
  const headers: Record<string, string | undefined> = {
    host: url.host,
    ...(options.mode === 'cors' ? scripted : navigation),
    ...(options.crossSitePost === true ? { origin: 'null', 'sec-fetch-site': 'cross-site' } : {}),
    ...(method === 'POST' && options.crossSitePost !== true ? { origin: url.origin, 'sec-fetch-site': 'same-origin' } : {}),
    ...(options.body !== undefined ? { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(Buffer.byteLength(String(options.body))) } : {}),
    ...(cookie !== undefined ? { cookie } : {}),
    ...options.headers
  }
  const local = /(?:^|\.)localhost$/.test(url.hostname)
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
      host: options.connect?.host ?? (local || options.connect !== undefined ? '127.0.0.1' : url.hostname.replace(/^\[|\]$/g, '')),
      port: options.connect?.port ?? (url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)),
      method,
      path: `${url.pathname}${url.search}`,
      headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
      agent: options.agent ?? false,
      servername: url.hostname,
      ...(options.ca !== undefined ? { ca: options.ca } : {})
    }, resolve)
    outgoing.on('error', reject)
    outgoing.end(options.body === undefined ? undefined : String(options.body))
  })
  const text = (await buffer(message)).toString('utf8')
  const setCookies = message.headers['set-cookie'] ?? []
  options.jar?.take(url, setCookies)
  const location = message.headers.location
  return {
    url,
    method,
    status: message.statusCode ?? 0,
    headers: plainHeaders(message),
    setCookies,
    text,
    location: location === undefined || !URL.canParse(location, url.href) ? undefined : new URL(location, url),
    json: (): unknown => JSON.parse(text)
  }
}

export interface BrowserOptions {
  readonly jar?: CookieJar
  /** As which it introduces itself; as nothing without. */
  readonly userAgent?: string
  /** Where a host really listens; by default where its URL says. */
  readonly connect?: (url: URL) => { readonly host?: string, readonly port: number } | undefined
}

/** A browser of one person: cookies, and every request it made. */
export interface Browser {
  readonly jar: CookieJar
  /** Every answer since the beginning, in order. */
  readonly history: Answer[]
  /** One request. */
  send (target: string | URL, options?: SendOptions): Promise<Answer>
  /** Follows redirects until there is none, `until` holds for the next URL, or 30 of them. */
  open (target: string | URL, options?: SendOptions & { until?: (next: URL) => boolean }): Promise<Answer>
  follow (answer: Answer, until?: (next: URL) => boolean): Promise<Answer>
}

export const createBrowser = (options: BrowserOptions = {}): Browser => {
  const jar = options.jar ?? createJar()
  const history: Answer[] = []
  const one = async (target: string | URL, sent: SendOptions = {}): Promise<Answer> => {
    const headers = { 'user-agent': options.userAgent, ...sent.headers }
    const answer = await send(target, { jar, connect: options.connect?.(new URL(target)), ...sent, headers })
    history.push(answer)
    return answer
  }
  const follow = async (answer: Answer, until?: (next: URL) => boolean): Promise<Answer> => {
    let last = answer
    for (let hops = 0; last.location !== undefined && last.status >= 300 && last.status < 400; hops++) {
      if (until?.(last.location) === true) return last
      if (hops === 30) throw new Error(`redirected more than 30 times, last to ${last.location.origin}${last.location.pathname}`)
      // 307 and 308 keep the method; nothing here sends them after a POST
      last = await one(last.location)
    }
    return last
  }
  return {
    jar,
    history,
    send: one,
    open: async (target, sent = {}) => {
      const { until, ...rest } = sent
      return follow(await one(target, rest), until)
    },
    follow
  }
}
