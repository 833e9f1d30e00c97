import { randomBytes } from 'node:crypto'
import { redirectUriOf } from '../config/links.ts'
import { foreignText } from '../connections/foreign.ts'
import { describeAnswer, headerOf } from '../connections/outbound/answer.ts'
import { ask, type Asked } from './ask.ts'
import type { Examination } from './examination.ts'
import { ok, problem, warning, type Finding } from './finding.ts'
import { judgeRedirects, type RedirectAnswer } from './redirect-verdict.ts'
import { oidcSettings } from '../connections/oidc/settings.ts'

const check = 'redirect URI'

/** What comes back when nobody is signed in and nothing may be asked (OpenID Connect Core §3.1.2.6). */
const expected: ReadonlySet<string> = new Set(['login_required', 'interaction_required', 'consent_required', 'account_selection_required', 'access_denied'])

const requestTo = (endpoint: string, clientId: string, redirectUri: string): string => {
  const url = new URL(endpoint)
  const nonsense = randomBytes(32).toString('base64url')
  const parameters = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope: 'openid', state: nonsense, nonce: nonsense, prompt: 'none', code_challenge: nonsense, code_challenge_method: 'S256' }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

const readAnswer = (answer: Asked, endpoint: string): RedirectAnswer => {
  const location = headerOf(answer, 'location')
  return { status: answer.status, location: location !== undefined && URL.canParse(location, endpoint) ? new URL(location, endpoint).href : undefined, body: answer.text }
}

/** Whether the authorization endpoint answers, and whether it knows our redirect URI, by requests that can sign nobody in. */
export const probeRedirectUri = async (endpoint: string, examination: Examination): Promise<readonly Finding[]> => {
  const { configuration, connection } = examination
  const uri = redirectUriOf(configuration.authOrigin, connection)
  const other = `${configuration.authOrigin}/login/${randomBytes(8).toString('hex')}/nowhere`
  const headers = { accept: 'text/html,*/*;q=0.8' }
  const clientId = oidcSettings(connection).client_id
  const [ours, wrong] = await Promise.all([uri, other].map(async each => await ask(requestTo(endpoint, clientId, each), examination, { headers })))
  const place = `an answer from the authorization endpoint ${endpoint.split('?', 1)[0]}`
  if (ours === undefined || typeof ours === 'string') return [problem('authorization endpoint', place, ours ?? 'none', 'People are sent there: compare the address with the provider\'s.')]
  if (ours.status >= 500 || ours.status === 404) return [problem('authorization endpoint', place, describeAnswer(ours), 'People are sent there: compare the address with the provider\'s; else it is down.')]
  const answers = ok('authorization endpoint', place, describeAnswer(ours))
  if (wrong === undefined || typeof wrong === 'string') return [answers, warning(check, uri, 'not told', 'A test sign-in tells.')]

  const outcome = judgeRedirects(readAnswer(ours, endpoint), uri, readAnswer(wrong, endpoint), other)
  switch (outcome.verdict) {
    case 'registered':
      return [answers, outcome.error === undefined || expected.has(outcome.error)
        ? ok(check, `${uri}, registered`, outcome.error === undefined ? 'registered' : `registered (${foreignText(outcome.error)}, as it should)`)
        : warning(check, 'that nobody is signed in, as the only complaint', foreignText(outcome.error), 'The redirect URI is registered, and the provider has something against such a sign-in: see its documentation for that error.')]
    case 'not registered':
      return [answers, problem(check, `${uri}, registered`, `not registered (${foreignText(outcome.mark)})`, 'Enter it at the provider, character for character, as a redirect URI of this application.')]
    case 'unchecked':
      return [answers, warning(check, 'a provider that sends people to registered addresses only', 'one that sends them anywhere', 'Have the provider list its redirect URIs: whoever makes a link can otherwise take codes.')]
    case 'not told':
      return [answers, ok(check, `${uri}, registered`, `not told by this provider (${describeAnswer(ours)}); a test sign-in tells`)]
  }
}
