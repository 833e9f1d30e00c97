import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { SamlCompany } from './companies.ts'
import { fetchHere } from './loopback.ts'
import type { AppPlace } from './places.ts'
import type { Handler } from './provider.ts'
import { postPage, problemPage, sendPage, signedOutPage, signInPage, tilesPage } from './provider-pages.ts'
import { receive, redirectTo } from './saml-bindings.ts'
import { isMeant, logoutRequestXml, logoutResponseXml, metadataXml, readServiceProvider, responseXml } from './saml-messages.ts'
import type { IdentityProvider, ServiceProvider, Session } from './saml-messages.ts'
import type { KeyPair } from './saml-xml.ts'

/** An AuthnRequest of Portico's. */
interface Asked {
  readonly id: string
  readonly relayState: string | undefined
  /** Also who is signed in signs in again: ForceAuthn. */
  readonly again: boolean
  /** Nobody may be asked anything: IsPassive. */
  readonly silent: boolean
  /** Whom Portico expects; beside the message, as Entra ID takes it. */
  readonly hint: string | undefined
}

/** What a sign-in is for: to answer Portico, or to look at the tiles. */
interface Waiting {
  readonly asked?: Asked
}

export interface SamlProviderOptions {
  readonly origin: string
  /** Portico's own metadata for this company. */
  readonly metadataUrl: string
  readonly keys: KeyPair
  /** One tile each. */
  readonly apps: readonly AppPlace[]
}

const redirect = (response: ServerResponse, to: string): void => { response.writeHead(303, { Location: to, 'Cache-Control': 'no-store' }).end() }

/**
 * A company's own SAML 2.0 identity provider, mounted under `/<company>` of `origin`: sign-in by requests of
 * Portico's (Redirect and POST binding) and by tiles of its own, and single logout from either side. Everything
 * it says is signed, and what it is told must be.
 */
export const createSamlProvider = (company: SamlCompany, { origin, metadataUrl, keys, apps }: SamlProviderOptions): Handler => {
  const path = `/${company.id}`
  const at = (service: string): string => `${origin}${path}/${service}`
  const idp: IdentityProvider = { entityId: at('metadata'), sso: at('sso'), slo: at('slo'), ...keys }
  const cookie = `${company.id}_session`
  const sessions = new Map<string, Session>()
  const waiting = new Map<string, Waiting>()

  // Read whenever it is needed: keys that Portico changes are known at once.
  const portico = async (): Promise<ServiceProvider> => {
    const { status, body } = await fetchHere(metadataUrl)
    if (status !== 200) throw new Error(`Portico’s metadata is not to be had: HTTP ${status}`)
    return readServiceProvider(body)
  }
  const keyOf = (request: IncomingMessage): string => new RegExp(`(?:^|; )${cookie}=([^;]*)`).exec(request.headers.cookie ?? '')?.[1] ?? ''
  const sessionOf = (request: IncomingMessage): Session | undefined => sessions.get(keyOf(request))

  const wait = (response: ServerResponse, what: Waiting): void => {
    const id = randomUUID()
    waiting.set(id, what)
    // A cookie that is Lax does not come with a POST of another site: it comes with the GET that follows.
    redirect(response, `${path}/sign-in/${id}`)
  }
  const answer = async (response: ServerResponse, outcome: Session | 'AuthnFailed' | 'NoPassive', { inResponseTo, relayState }: { inResponseTo?: string, relayState: string | undefined }): Promise<void> => {
    const sp = await portico()
    const SAMLResponse = Buffer.from(responseXml(idp, sp, { inResponseTo, outcome })).toString('base64')
    sendPage(response, 200, postPage(company, { action: sp.acs, fields: { SAMLResponse, ...relayState !== undefined && { RelayState: relayState } } }))
  }

  const signInRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { root, relayState } = await receive(request, (await portico()).certificates)
    const says = (name: string): boolean => ['true', '1'].includes(root.getAttribute(name) ?? '')
    const hint = new URL(request.url ?? '', origin).searchParams.get('login_hint') ?? undefined
    wait(response, { asked: { id: root.getAttribute('ID') ?? '', relayState, again: says('ForceAuthn'), silent: says('IsPassive'), hint } })
  }

  const goOn = async (response: ServerResponse, { asked }: Waiting, outcome: Session | 'AuthnFailed' | 'NoPassive'): Promise<void> => {
    if (asked === undefined) redirect(response, `${path}/`)
    else await answer(response, outcome, { inResponseTo: asked.id, relayState: asked.relayState })
  }

  const signIn = async (request: IncomingMessage, response: ServerResponse, id: string): Promise<void> => {
    const what = waiting.get(id)
    if (what === undefined) return sendPage(response, 400, problemPage(company, 'This sign-in page is no longer valid: start again at the app.'))
    const action = `${path}/sign-in/${id}`
    if (request.method !== 'POST') {
      const session = sessionOf(request)
      const { again = false, silent = false, hint = session?.account.email } = what.asked ?? {}
      if (session !== undefined && !again && session.account.email === hint) return await goOn(response, what, session)
      if (silent) return await goOn(response, what, 'NoPassive')
      return sendPage(response, 200, signInPage(company, { action, hint: hint ?? company.accounts[0]?.email ?? '' }))
    }
    const form = new URLSearchParams(await text(request))
    const login = form.get('login') ?? ''
    const account = company.accounts.find(({ email }) => email === login.trim().toLowerCase())
    if (form.get('answer') !== 'cancel' && account === undefined) {
      return sendPage(response, 422, signInPage(company, { action, hint: login, problem: `${company.name} has nobody of that name.` }))
    }
    waiting.delete(id)
    if (account === undefined || form.get('answer') === 'cancel') return await goOn(response, what, 'AuthnFailed')
    const session = { account, index: `_${randomUUID()}`, since: Date.now() }
    const key = randomBytes(32).toString('base64url')
    sessions.delete(keyOf(request))
    sessions.set(key, session)
    response.setHeader('Set-Cookie', `${cookie}=${key}; Path=${path}; HttpOnly; SameSite=Lax`)
    await goOn(response, what, session)
  }

  const open = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const session = sessionOf(request)
    const wanted = new URLSearchParams(await text(request)).get('app') ?? ''
    if (session === undefined) return wait(response, {})
    await answer(response, session, { relayState: wanted })
  }

  const signOut = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const session = sessionOf(request)
    if (session === undefined) return redirect(response, `${path}/signed-out`)
    sessions.delete(keyOf(request))
    const sp = await portico()
    redirect(response, redirectTo(sp.slo, 'SAMLRequest', logoutRequestXml(idp, sp, session), idp))
  }

  const singleLogout = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sp = await portico()
    const { kind, root, relayState } = await receive(request, sp.certificates)
    // Portico has answered: the sign-out that began here is done.
    if (kind === 'SAMLResponse') return redirect(response, `${path}/signed-out`)
    for (const [key, session] of sessions) if (isMeant(root, idp, sp, session)) sessions.delete(key)
    redirect(response, redirectTo(sp.slo, 'SAMLResponse', logoutResponseXml(idp, sp, root.getAttribute('ID') ?? ''), { ...idp, relayState }))
  }

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [service = '', id = ''] = (request.url ?? '').slice(path.length + 1).split('?', 1).join('').split('/')
    const session = sessionOf(request)
    switch (service) {
      case 'metadata':
        response.writeHead(200, { 'Content-Type': 'application/samlmetadata+xml' }).end(metadataXml(idp))
        return
      case 'sso': return await signInRequest(request, response)
      case 'sign-in': return await signIn(request, response, id)
      case '': return session === undefined ? wait(response, {}) : sendPage(response, 200, tilesPage(company, { account: session.account, apps, path }))
      case 'open': return await open(request, response)
      case 'slo': return await singleLogout(request, response)
      case 'sign-out': return await signOut(request, response)
      case 'signed-out': return sendPage(response, 200, signedOutPage(company, path))
      default: return sendPage(response, 404, problemPage(company, 'There is no such page here.'))
    }
  }
  return (request, response) => {
    route(request, response).catch((error: unknown) => {
      sendPage(response, 400, problemPage(company, `What came from Portico was not understood: ${error instanceof Error ? error.message : String(error)}`))
    })
  }
}
