import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { CompactSign, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'

type Json = Record<string, unknown>

/** Answers a request in any way there is: status, headers, half a body, silence. */
export type Responder = (request: IncomingMessage, response: ServerResponse, body: string) => void | Promise<void>

export interface SigningKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** A key pair that a provider could have. RSA ones take a while: make them once per file. */
export const createSigningKey = async (alg = 'ES256', kid = 'key-1'): Promise<SigningKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, publicJwk: { ...await exportJWK(publicKey), kid, alg, use: 'sig' } }
}

/** `a.b.c` of a header and claims, signed with `key`, whatever the header says. */
export const signJwt = async (header: Json, claims: Json, key: CryptoKey | Uint8Array): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ ...header, alg: String(header.alg) }).sign(key)

export const encodePart = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** What a test changes about the next answers; everything left out is as it should be. */
export interface Script {
  discovery?: (document: Json) => unknown
  keys?: readonly SigningKey[]
  jwks?: (set: { keys: JWK[] }) => unknown
  claims?: (claims: Json) => Json
  header?: (header: Json) => Json
  /** The whole ID token. */
  idToken?: (header: Json, claims: Json) => string | Promise<string>
  token?: (answer: Json) => Json
  userinfo?: (claims: Json) => unknown
  /** The profile of whoever signs in: ID token and userinfo. */
  profile?: Json
  /** Without it userinfo has the profile and the ID token does not. */
  profileInIdToken?: boolean
  /** Takes a path over: `/token`, `/jwks`, `/userinfo`, `/.well-known/openid-configuration`. */
  answers?: Partial<Record<string, Responder>>
}

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}

export interface HostileProvider {
  readonly issuer: string
  readonly port: number
  readonly key: SigningKey
  /** Requests by path. */
  readonly hits: Map<string, number>
  /** Every request, in order. */
  readonly seen: Seen[]
  /** What it does now; assign to change it. */
  script: Script
  /** Plays browser and person: the parameters that the callback gets for this authorization URL. */
  authorize (url: string): URLSearchParams
  /** Stops listening; `listen` begins again on the same port. */
  stop (): Promise<void>
  listen (): Promise<void>
  close (): Promise<void>
}

/** A hand-written OpenID provider on 127.0.0.1 that says whatever a test wants. */
export const startHostileProvider = async (options: {
  key?: SigningKey
  clientId?: string
  /** Path and slash at the end of the issuer: `/oauth2/default`, `/`. */
  suffix?: string
  script?: Script
  /** PEM: speaks TLS on the same address. */
  tls?: { cert: string, key: string }
} = {}): Promise<HostileProvider> => {
  const key = options.key ?? await createSigningKey()
  const clientId = options.clientId ?? 'portico'
  const suffix = options.suffix ?? ''
  const hits = new Map<string, number>()
  const seen: Seen[] = []
  const codes = new Map<string, { nonce: string | null, challenge: string | null }>()
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls)
  let port = 0
  let codesMade = 0

  const base = (): string => `http://127.0.0.1:${port}${suffix.replace(/\/$/, '')}`
  const issuer = (): string => `http://127.0.0.1:${port}${suffix}`

  const listen = async (): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    // listen() on a host gives an address object
    port = (server.address() as AddressInfo).port
  }
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    server.closeAllConnections()
    await new Promise<void>(resolve => { server.close(() => resolve()) })
  }

  const send = (response: ServerResponse, value: unknown, status = 200): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
  const profile = (): Json => provider.script.profile ?? { email: 'ada@acme.com', email_verified: true, name: 'Ada Lovelace', groups: ['staff'] }

  const discovery: Responder = (_request, response) => {
    const document = {
      issuer: issuer(),
      authorization_endpoint: `${base()}/authorize`,
      token_endpoint: `${base()}/token`,
      jwks_uri: `${base()}/jwks`,
      userinfo_endpoint: `${base()}/userinfo`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [key.alg],
      scopes_supported: ['openid', 'email', 'profile', 'groups']
    }
    send(response, provider.script.discovery?.(document) ?? document)
  }

  const jwks: Responder = (_request, response) => {
    const set = { keys: (provider.script.keys ?? [key]).map(each => each.publicJwk) }
    send(response, provider.script.jwks?.(set) ?? set)
  }

  const token: Responder = async (_request, response, body) => {
    const code = new URLSearchParams(body).get('code') ?? ''
    const attempt = codes.get(code)
    if (attempt === undefined) {
      send(response, { error: 'invalid_grant', error_description: `unknown code ${code}` }, 400)
      return
    }
    codes.delete(code)
    const now = Math.floor(Date.now() / 1000)
    const own: Json = { iss: issuer(), sub: 'subject-1', aud: clientId, iat: now, exp: now + 300, auth_time: now, nonce: attempt.nonce, sid: 'idp-session-1', amr: ['pwd'], acr: '1' }
    const all = provider.script.profileInIdToken === false ? own : { ...own, ...profile() }
    const claims = provider.script.claims?.(all) ?? all
    const signer = provider.script.keys?.[0] ?? key
    const plain = { alg: signer.alg, kid: signer.kid }
    const header = provider.script.header?.(plain) ?? plain
    const idToken = provider.script.idToken === undefined
      ? await signJwt(header, claims, signer.privateKey)
      : await provider.script.idToken(header, claims)
    const answer: Json = { access_token: `access-${code}`, token_type: 'Bearer', expires_in: 300, id_token: idToken }
    send(response, provider.script.token?.(answer) ?? answer)
  }

  const userinfo: Responder = (_request, response) => {
    const claims = { sub: 'subject-1', ...profile() }
    send(response, provider.script.userinfo?.(claims) ?? claims)
  }

  const routes: Partial<Record<string, Responder>> = { '/.well-known/openid-configuration': discovery, '/jwks': jwks, '/token': token, '/userinfo': userinfo }

  server.on('request', (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]?.replace(suffix.replace(/\/$/, ''), '') ?? ''
    hits.set(path, (hits.get(path) ?? 0) + 1)
    const handle = async (): Promise<void> => {
      const body = await text(request)
      seen.push({ method: request.method ?? '', path, headers: request.headers, form: new URLSearchParams(body) })
      const responder = provider.script.answers?.[path] ?? routes[path]
      if (responder === undefined) response.writeHead(404).end('not here')
      else await responder(request, response, body)
    }
    handle().catch(error => { response.destroy(error) })
  })

  const provider: HostileProvider = {
    get issuer () { return issuer() },
    get port () { return port },
    key,
    hits,
    seen,
    script: options.script ?? {},
    authorize: url => {
      const parameters = new URL(url).searchParams
      const code = `code-${++codesMade}`
      codes.set(code, { nonce: parameters.get('nonce'), challenge: parameters.get('code_challenge') })
      return new URLSearchParams({ code, state: parameters.get('state') ?? '' })
    },
    stop,
    listen,
    close: stop
  }
  await listen()
  return provider
}
