import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import Provider, { interactionPolicy, type ClientMetadata, type Configuration } from 'oidc-provider'
import type { Answer, Browser } from './browser.ts'

export interface ProviderOptions {
  readonly clients: readonly ClientMetadata[]
  /** By login (what is typed at the provider): the claims; `sub` is the login when left out. */
  readonly accounts: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Which claims belong to which scope, beside the usual ones. */
  readonly claims?: Readonly<Record<string, readonly string[]>>
  /** Over everything else. */
  readonly configuration?: Configuration
  /** Answers a request in the provider's place, and tells that it did. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
  readonly port?: number
  /** Path below the origin that the issuer has: `/realms/acme`. */
  readonly path?: string
  /** Signs people out: for a client that asks, and by telling the others. `post` delivers logout tokens, and answers with the status. */
  readonly logout?: { readonly post: (url: string, body: string) => Promise<number> }
  /** Served beside it, by path from the root of the origin. */
  readonly documents?: Readonly<Record<string, (issuer: string) => unknown>>
}

export interface RunningProvider {
  readonly issuer: string
  /** The issuer's discovery document. */
  readonly url: string
  readonly port: number
  /** Requests by path below the issuer: `/token`, `/jwks`, `/.well-known/openid-configuration`. */
  readonly hits: Map<string, number>
  readonly provider: Provider
  close (): Promise<void>
}

const scopeClaims = { openid: ['sub', 'acr', 'amr', 'auth_time', 'sid'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'], groups: ['groups'] }

const logoutPage = (form: string): string => `<!doctype html><title>Sign out at the provider</title>${form.replace('</form>', '<button name="logout" value="yes">Yes</button><button>No</button></form>')}`

const page = (uid: string, hint: string): string => `<!doctype html><title>Sign in at the provider</title>
<form method="post" action="${uid}"><label>Login <input name="login" value="${hint.replace(/[^\w@.+-]/g, '')}" autofocus></label><button>Sign in</button>
<button name="cancel" value="1">Cancel</button></form>`

/**
 * A real OpenID Connect provider on 127.0.0.1, with one field to sign in and no consent page.
 * ID tokens carry what `configuration` says; by default the claims of scopes come from userinfo,
 * as OpenID Connect Core §5.4 has it.
 */
export const startProvider = async (options: ProviderOptions): Promise<RunningProvider> => {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  // listen() on a host gives an address object
  const { port } = server.address() as AddressInfo
  const path = options.path ?? ''
  const issuer = `http://127.0.0.1:${port}${path}`
  const hits = new Map<string, number>()
  const claimsOf = (login: string): Readonly<Record<string, unknown>> | undefined =>
    Object.hasOwn(options.accounts, login) ? options.accounts[login] : undefined

  // OpenID Connect Core §3.1.2.1 has it; this provider only where it is told how
  const policy = interactionPolicy.base()
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0)

  const provider = new Provider(issuer, {
    clients: options.clients.map(client => ({ ...client })),
    claims: { ...scopeClaims, ...options.claims },
    scopes: ['openid', 'email', 'profile', 'groups'],
    cookies: { keys: ['provider-of-the-tests'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: options.logout !== undefined, logoutSource: async (ctx, form) => { ctx.body = logoutPage(form) } },
      backchannelLogout: { enabled: options.logout !== undefined }
    },
    ...options.logout !== undefined && {
      fetch: async (url, sent) => new Response(null, { status: await options.logout?.post(String(url), String(sent?.body)) ?? 500 })
    },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 600, Session: 600 },
    interactions: { policy, url: (_ctx, interaction) => `${path}/interaction/${interaction.uid}` },
    findAccount: (_ctx, login) => {
      const claims = claimsOf(login)
      return claims === undefined ? undefined : { accountId: login, claims: () => ({ sub: login, ...claims }) }
    },
    loadExistingGrant: async ctx => {
      const { client, session } = ctx.oidc
      if (client === undefined || session?.accountId === undefined) return undefined
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid email profile groups')
      await grant.save()
      return grant
    },
    ...options.configuration
  })
  const answer = provider.callback()

  server.on('request', (request, response) => {
    if (options.intercept?.(request, response) === true) return
    const document = options.documents?.[request.url ?? '/']
    if (document !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document(issuer)))
      return
    }
    const below = (request.url ?? '/').split('?', 1)[0]?.slice(path.length) ?? ''
    const key = below.replace(/^\/(interaction|auth)\/.*$/, '/$1')
    hits.set(key, (hits.get(key) ?? 0) + 1)
    if (key !== '/interaction') {
      if (path !== '') {
        // oidc-provider finds its mount path by Koa's originalUrl
        const original = request.url ?? '/'
        request.url = original.slice(path.length)
        Reflect.set(request, 'originalUrl', original)
      }
      answer(request, response)
      return
    }
    const interact = async (): Promise<void> => {
      const details = await provider.interactionDetails(request, response)
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(details.uid, String(details.params.login_hint ?? '')))
        return
      }
      const form = new URLSearchParams(await text(request))
      const login = form.get('login') ?? ''
      const result = form.has('cancel') || claimsOf(login) === undefined
        ? { error: 'access_denied', error_description: 'The person did not sign in' }
        : { login: { accountId: login, amr: ['pwd'], acr: '1' }, select_account: {} }
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
    }
    interact().catch(error => {
      response.writeHead(400, { 'content-type': 'text/plain' }).end(String(error))
    })
  })

  return {
    issuer,
    url: `${issuer}/.well-known/openid-configuration`,
    port,
    hits,
    provider,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>(resolve => { server.close(() => resolve()) })
    }
  }
}

/** Plays the person who is asked at the provider whether to sign out there too; the redirect that leaves it, not followed. */
export const signOutThere = async (asked: Answer, browser: Browser, says: 'yes' | 'no' = 'yes'): Promise<Answer> => {
  const leaving = (next: URL): boolean => next.host !== asked.url.host
  const action = /action="([^"]+)"/.exec(asked.text)?.[1]
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(asked.text)?.[1]
  if (action === undefined || xsrf === undefined) throw new Error(`no sign-out form at the provider: HTTP ${asked.status} ${asked.text.slice(0, 300)}`)
  const body = new URLSearchParams({ xsrf, ...says === 'yes' && { logout: 'yes' } })
  return await browser.follow(await browser.send(new URL(action, asked.url), { body }), leaving)
}

/**
 * Plays the person at the provider: opens the authorization URL, types `login` when asked, and answers
 * with the redirect that leaves the provider (not followed; `location` is the callback).
 */
export const signIn = async (url: string | URL, browser: Browser, login: string): Promise<Answer> => {
  const provider = new URL(url).host
  const leaving = (next: URL): boolean => next.host !== provider
  const first = await browser.open(url, { until: leaving })
  if (first.location !== undefined) return first
  const action = /action="([^"]+)"/.exec(first.text)?.[1]
  if (action === undefined) throw new Error(`no sign-in form at the provider: HTTP ${first.status} ${first.text.slice(0, 300)}`)
  const posted = await browser.send(new URL(action, first.url), { body: new URLSearchParams({ login }) })
  return browser.follow(posted, leaving)
}
