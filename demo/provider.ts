import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { interactionPolicy } from 'oidc-provider'
import type { OidcCompany } from './companies.ts'
import { createMemory } from './memory.ts'
import { problemPage, sendPage, signInPage, signOutPage } from './provider-pages.ts'

/** Seconds. */
const hour = 3_600

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Asks who it is when the provider knows somebody other than the one the gateway hints at, as Entra ID does. */
const policy = () => {
  const prompts = interactionPolicy.base()
  prompts.get('login')?.checks.add(new interactionPolicy.Check('other_account', 'another account is hinted at', ({ oidc }) => {
    const hint = oidc.params?.login_hint
    return typeof hint === 'string' && oidc.session?.accountId !== undefined && hint !== oidc.session.accountId && oidc.result?.login === undefined
  }))
  // "Use another account"; this provider knows it only where it is told how
  prompts.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0)
  return prompts
}

/**
 * A company's own OpenID Connect provider, mounted under `/<company>` of `origin`: node-oidc-provider as it is,
 * with sign-in pages of its own and no consent page.
 */
export const createProvider = async (company: OidcCompany, { origin, redirectUri, afterLogoutUri, backChannelUri, secret }: {
  readonly origin: string
  readonly redirectUri: string
  readonly afterLogoutUri: string
  readonly backChannelUri: string
  readonly secret: string
}): Promise<Handler> => {
  const path = `/${company.id}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const accountOf = (login: string) => company.accounts.find(({ email }) => email === login.trim().toLowerCase())

  const signsOut = company.signsOut === true
  const askedToLeave = {
    logoutSource: (context: { body: unknown, type: string }, form: string): void => {
      context.type = 'html'
      context.body = signOutPage(company, form)
    }
  }

  const provider = new Provider(`${origin}${path}`, {
    adapter: createMemory(),
    clients: [{
      client_id: 'portico',
      client_secret: secret,
      redirect_uris: [redirectUri],
      client_name: 'Portico',
      ...signsOut && { post_logout_redirect_uris: [afterLogoutUri], backchannel_logout_uri: backChannelUri, backchannel_logout_session_required: true }
    }],
    jwks: { keys: [{ ...await exportJWK(privateKey), use: 'sig', alg: 'RS256' }] },
    // Two providers on one host: each has cookies of its own.
    cookies: { keys: [randomBytes(32).toString('base64url')], names: { session: `${company.id}_session`, interaction: `${company.id}_interaction`, resume: `${company.id}_resume` } },
    responseTypes: ['code'],
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: { openid: ['sub', 'amr', ...company.workspace === undefined ? [] : ['hd']], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: signsOut }, rpInitiatedLogout: { enabled: signsOut, ...askedToLeave } },
    ttl: { AccessToken: hour, AuthorizationCode: 60, IdToken: hour, RefreshToken: hour, Interaction: hour, Session: 8 * hour, Grant: 8 * hour },
    clientBasedCORS: () => false,
    interactions: { policy: policy(), url: (_context, interaction) => `${path}/interaction/${interaction.uid}` },
    findAccount: (_context, login) => {
      const account = accountOf(login)
      if (account === undefined) return undefined
      return {
        accountId: account.email,
        claims: () => ({ sub: `${company.id}-${account.email}`, email: account.email, email_verified: true, name: account.name, groups: [...account.groups], ...company.workspace !== undefined && { hd: company.workspace } })
      }
    },
    // The company has agreed for its people: nobody is asked.
    loadExistingGrant: async ({ oidc }) => {
      if (oidc.client === undefined || oidc.session?.accountId === undefined) return undefined
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope('openid email profile groups')
      await grant.save()
      return grant
    },
    renderError: (context, out) => {
      context.type = 'html'
      context.body = problemPage(company, out.error_description ?? out.error)
    }
  })
  const answer = provider.callback()

  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { uid, params } = await provider.interactionDetails(request, response)
    const hint = typeof params.login_hint === 'string' ? params.login_hint : company.accounts[0]?.email ?? ''
    const action = `${path}/interaction/${uid}`
    if (request.method !== 'POST') return sendPage(response, 200, signInPage(company, { action, hint }))
    const form = new URLSearchParams(await text(request))
    if (form.get('answer') === 'cancel') {
      return await provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the person cancelled' }, { mergeWithLastSubmission: false })
    }
    const login = form.get('login') ?? ''
    const account = accountOf(login)
    if (account === undefined) return sendPage(response, 422, signInPage(company, { action, hint: login, problem: `${company.name} has nobody of that name.` }))
    await provider.interactionFinished(request, response, { login: { accountId: account.email, amr: ['pwd'], ts: Math.floor(Date.now() / 1_000) }, select_account: {} }, { mergeWithLastSubmission: false })
  }

  return (request, response) => {
    const target = request.url ?? '/'
    if (target.startsWith(`${path}/interaction/`)) {
      interact(request, response).catch(() => sendPage(response, 400, problemPage(company, 'This sign-in page is no longer valid: start again at the app.')))
      return
    }
    // Koa's originalUrl is how node-oidc-provider learns the path it is mounted at.
    request.url = target.slice(path.length) || '/'
    Reflect.set(request, 'originalUrl', target)
    answer(request, response)
  }
}
