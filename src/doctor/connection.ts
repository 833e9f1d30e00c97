import { redirectUriOf } from '../config/links.ts'
import { dialectOf } from '../connections/dialects.ts'
import type { Expiries } from '../connections/expiry.ts'
import type { Asked } from './ask.ts'
import { probeClientSecret, type ClientEndpoints } from './client-secret.ts'
import { judgeClock } from './clock.ts'
import { probeDocument } from './document.ts'
import { probeEndpoint } from './endpoints.ts'
import type { Examination } from './examination.ts'
import { judgeExpiries } from './expiry.ts'
import type { Finding } from './finding.ts'
import { probeKeys } from './keys.ts'
import { probeOwnership } from './ownership.ts'
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

const clockOf = (answer: Asked | undefined): readonly Finding[] => {
  const clock = answer === undefined ? undefined : judgeClock(answer)
  return clock === undefined ? [] : [clock]
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
  const dated = answers[0] ?? first
  return [...findings.flat(), ...clockOf(dated)]
}

/** Everything that can be told of one connection without a user and without changing anything. Never throws for what a provider does. */
export const examineConnection = async (examination: Examination, expiries: Expiries): Promise<readonly Finding[]> => {
  const { connection, now } = examination
  const ownership = probeOwnership(examination)
  const { findings, endpoints, answer } = await locate(examination)
  const provider = endpoints === undefined
    ? clockOf(answer)
    : await probeProvider(endpoints, answer, examination)
  return [...findings, ...provider, ...judgeExpiries(connection, expiries, now()), ...await ownership]
}
