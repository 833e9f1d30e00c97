import type { Connection } from '../config/configuration.ts'
import type { SettingsOf } from './dialects.ts'
import { acceptedAlgorithms } from './oidc/algorithms.ts'
import { claim } from './oidc/claim.ts'
import { isValue } from './sound.ts'
import type { Dialect, Proof } from './oidc/dialect.ts'
import type { Metadata } from './oidc/metadata.ts'
import { standardDialect } from './oidc/standard.ts'

type Settings = SettingsOf<'manual'>

/** What the identity rests on: the load refuses settings that have less without saying so. */
const proofOf = ({ jwks_url: keys, userinfo_url: userinfo }: Settings): Proof =>
  keys !== undefined ? 'signature' : userinfo !== undefined ? 'userinfo' : 'token endpoint'

/** Where the provider's word about a person comes from: its name where there is no `issuer`. */
const originOf = ({ issuer, userinfo_url: userinfo, token_url: token }: Settings): string =>
  issuer ?? new URL(userinfo ?? token).origin

const metadataOf = (settings: Settings): Metadata => ({
  issuer: originOf(settings),
  authorization_endpoint: settings.authorization_url,
  token_endpoint: settings.token_url,
  jwks_uri: settings.jwks_url,
  userinfo_endpoint: settings.userinfo_url,
  end_session_endpoint: settings.end_session_url,
  id_token_signing_alg_values_supported: [...acceptedAlgorithms],
  userinfo_signing_alg_values_supported: [...acceptedAlgorithms]
})

/** A provider without discovery (product R30, behaviours O16): every address is the operator's word. */
export const manualDialect = (connection: Connection, settings: Settings): Dialect => {
  const { subject: id, email, name, groups } = settings.claims
  const proof = proofOf(settings)
  const source = proof === 'userinfo' ? 'userinfo' : 'the ID token'
  const subject: Dialect['subject'] = claims => {
    const value = claim(claims, id)
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
    return isValue(text) && text !== '' ? { value: `${originOf(settings)} ${text}`, from: `${settings.issuer === undefined ? 'origin of the endpoint' : 'issuer'} and claim ${id} of ${source}` } : undefined
  }
  return {
    ...standardDialect(connection, originOf({ ...settings, issuer: undefined }), { email: [email], name, groups }),
    source: { fixed: metadataOf(settings) },
    issuers: settings.issuer === undefined ? [] : [settings.issuer],
    issuerOf: () => settings.issuer,
    proof,
    authentication: settings.token_endpoint_auth_method,
    scopes: settings.scopes ?? ['openid', 'email', 'profile', ...connection.refresh === undefined ? [] : ['offline_access']],
    subject,
    tokenSubject: subject
  }
}
