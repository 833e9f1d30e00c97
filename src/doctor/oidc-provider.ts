import { redirectUriOf } from '../config/links.ts'
import { dialectOf } from '../connections/dialects.ts'
import { skew } from '../connections/oidc/token-rules.ts'
import type { Asked } from './ask.ts'
import { probeClientSecret, type ClientEndpoints } from './client-secret.ts'
import { judgeClock } from './clock.ts'
import { probeDocument } from './document.ts'
import { probeEndpoint } from './endpoints.ts'
import type { Examination } from './examination.ts'
import type { Finding } from './finding.ts'
import { probeKeys } from './keys.ts'
import { probeHost } from './reach.ts'
import { probeRedirectUri } from './redirect-uri.ts'

interface Located {
  readonly findings: readonly Finding[]
  /** Undefined where a sign-in would not get this far. */
  readonly endpoints: ClientEndpoints | undefined
  readonly answer: Asked | undefined
}

const locate = async (examination: Examination): Promise<Located> => {
  const { source } = dialectOf(examination.connection)
  if ('fixed' in source) return { findings: [], endpoints: { metadata: source.fixed, revocation: undefined }, answer: undefined }
  const host = await probeHost(new URL(source.discovery.url), examination)
  if (!host.open) return { findings: host.findings, endpoints: undefined, answer: undefined }
  const { findings, metadata, revocation, answer } = await probeDocument(source.discovery, examination)
  const endpoints = metadata === undefined ? undefined : { metadata, revocation }
  return { findings: [...host.findings, ...findings], endpoints, answer }
}

/** The hosts of endpoints that were not reached for the document already. */
const probeHosts = async ({ metadata }: ClientEndpoints, examination: Examination): Promise<readonly Finding[]> => {
  const { source } = dialectOf(examination.connection)
  const { authorization_endpoint: authorization, token_endpoint: token, jwks_uri: jwks, userinfo_endpoint: userinfo } = metadata
  const origins = new Map([authorization, token, jwks, userinfo].flatMap(text => text === undefined ? [] : [[new URL(text).origin, new URL(text)]]))
  if ('discovery' in source) origins.delete(new URL(source.discovery.url).origin)
  return (await Promise.all([...origins.values()].map(async url => (await probeHost(url, examination)).findings))).flat()
}

const probeProvider = async (endpoints: ClientEndpoints, first: Asked | undefined, examination: Examination): Promise<readonly Finding[]> => {
  const { configuration, connection } = examination
  const answers: Asked[] = []
  const { authorization_endpoint: authorization, jwks_uri: jwks, userinfo_endpoint: userinfo, end_session_endpoint: endSession } = endpoints.metadata
  const findings = await Promise.all([
    probeHosts(endpoints, examination),
    jwks === undefined ? [] : probeKeys(jwks, examination),
    probeRedirectUri(authorization, examination),
    userinfo === undefined ? [] : probeEndpoint('userinfo endpoint', userinfo, examination),
    endSession === undefined ? [] : probeEndpoint('end session endpoint', endSession, examination),
    probeClientSecret(endpoints, redirectUriOf(configuration.authOrigin, connection), examination, answer => { answers.push(answer) })
  ])
  // An answer to a POST comes from no cache
  return [...findings.flat(), ...judgeClock(answers[0] ?? first, skew)]
}

/** What of a provider that speaks OpenID Connect, or OAuth 2.0, works. */
export const examineOidc = async (examination: Examination): Promise<readonly Finding[]> => {
  const { findings, endpoints, answer } = await locate(examination)
  const provider = endpoints === undefined ? judgeClock(answer, skew) : await probeProvider(endpoints, answer, examination)
  return [...findings, ...provider]
}
