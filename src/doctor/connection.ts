import type { Connection } from '../config/configuration.ts'
import { redirectUriOf } from '../config/links.ts'
import type { Expiries } from '../connections/expiry.ts'
import type { Asked } from './ask.ts'
import { probeClientSecret } from './client-secret.ts'
import { judgeClock } from './clock.ts'
import type { ClientEndpoints } from './credentials.ts'
import { probeDocument } from './document.ts'
import { probeEndpoint } from './endpoints.ts'
import type { Examination } from './examination.ts'
import { judgeExpiries } from './expiry.ts'
import type { Finding } from './finding.ts'
import { probeKeys } from './keys.ts'
import { probeOwnership } from './ownership.ts'
import { probeHost } from './reach.ts'
import { probeRedirectUri } from './redirect-uri.ts'
import { discoveryOf } from './target.ts'
import { judgeVendor } from './vendor.ts'

/** Where the parts of a provider are, by its document or by configuration. */
interface Endpoints extends ClientEndpoints {
  readonly authorization: string
  readonly jwks: string | undefined
  readonly userinfo: string | undefined
  readonly endSession: string | undefined
}

interface Located {
  readonly findings: readonly Finding[]
  /** Undefined where a sign-in would not get this far. */
  readonly endpoints: Endpoints | undefined
  readonly answer: Asked | undefined
}

const configured = (connection: Connection): Endpoints | undefined => {
  const { settings } = connection
  if (settings.connector !== 'manual') return undefined
  return {
    metadata: { issuer: settings.issuer ?? '', token_endpoint: settings.token_url },
    authorization: settings.authorization_url,
    jwks: settings.jwks_url,
    userinfo: settings.userinfo_url,
    endSession: undefined,
    revocation: undefined
  }
}

const locate = async (examination: Examination): Promise<Located> => {
  const address = discoveryOf(examination.connection)
  if (address === undefined) return { findings: [], endpoints: configured(examination.connection), answer: undefined }
  const host = await probeHost(new URL(address.url), examination)
  if (!host.open) return { findings: host.findings, endpoints: undefined, answer: undefined }
  const { findings, metadata, revocation, answer } = await probeDocument(address, examination)
  const endpoints = metadata === undefined
    ? undefined
    : {
        metadata,
        authorization: metadata.authorization_endpoint,
        jwks: metadata.jwks_uri,
        userinfo: metadata.userinfo_endpoint,
        endSession: metadata.end_session_endpoint,
        revocation
      }
  return { findings: [...host.findings, ...findings], endpoints, answer }
}

/** The hosts of endpoints that were not reached for the document already. */
const probeHosts = async (endpoints: Endpoints, examination: Examination): Promise<readonly Finding[]> => {
  const first = discoveryOf(examination.connection)
  const urls = [endpoints.authorization, endpoints.metadata.token_endpoint, endpoints.jwks, endpoints.userinfo].flatMap(text => text === undefined ? [] : new URL(text))
  const origins = new Map(urls.map(url => [url.origin, url]))
  if (first !== undefined) origins.delete(new URL(first.url).origin)
  return (await Promise.all([...origins.values()].map(async url => (await probeHost(url, examination)).findings))).flat()
}

const clockOf = (answer: Asked | undefined): readonly Finding[] => {
  const clock = answer === undefined ? undefined : judgeClock(answer)
  return clock === undefined ? [] : [clock]
}

const probeProvider = async (endpoints: Endpoints, first: Asked | undefined, examination: Examination): Promise<readonly Finding[]> => {
  const { configuration, connection } = examination
  const answers: Asked[] = []
  const { jwks, userinfo, endSession } = endpoints
  const findings = await Promise.all([
    probeHosts(endpoints, examination),
    jwks === undefined ? [] : probeKeys(jwks, examination),
    probeRedirectUri(endpoints.authorization, examination),
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
  return [...judgeVendor(connection), ...findings, ...provider, ...judgeExpiries(connection, expiries, now()), ...await ownership]
}
