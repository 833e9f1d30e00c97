import type { ConnectionSettings } from '../schema/organization.ts'
import type { Draft } from '../walk.ts'
import type { Complain } from './connectors.ts'

type ManualDraft = Draft<Extract<ConnectionSettings, { connector: 'manual' }>>

/** What a provider without discovery is believed for (product R30, behaviours O16). */
export const checkManual = (manual: ManualDraft, complain: Complain): void => {
  const { jwks_url: keys, userinfo_url: userinfo, issuer, claims, callback, scopes, bearer, max_age: maxAge } = manual
  const isTrusting = manual.dangerously_trust_token_endpoint === true
  const isTrustingEmail = manual.dangerously_trust_unverified_email === true
  if (keys !== undefined) {
    if (issuer === undefined) complain({ path: ['jwks_url'], message: 'stands without issuer', remedy: 'add issuer: the iss that its ID tokens carry' })
    if (isTrusting) complain({ path: ['dangerously_trust_token_endpoint'], message: 'stands beside jwks_url, by which ID tokens are verified', remedy: 'remove it' })
  } else if (userinfo !== undefined) {
    if (!isTrusting && !isTrustingEmail) {
      complain({ path: ['userinfo_url'], message: 'no signature is verified without jwks_url', remedy: 'add jwks_url and issuer; only if the provider has neither, set dangerously_trust_token_endpoint: true, and dangerously_trust_unverified_email: true where it never says email_verified' })
    }
    if (maxAge !== undefined) complain({ path: ['max_age'], message: 'cannot be checked without a verified ID token', remedy: 'add jwks_url and issuer, or remove it' })
  } else if (!isTrusting) {
    complain({ path: [], key: true, message: 'has no way to verify who signed in', remedy: 'add jwks_url and issuer; only if the provider has no keys, set dangerously_trust_token_endpoint: true' })
  }
  if (keys === undefined && bearer !== undefined) complain({ path: ['bearer'], key: true, message: 'no signature is verified without jwks_url', remedy: 'add jwks_url and issuer, or remove it' })
  if (callback === 'shared') complain({ path: ['callback'], message: 'such a provider does not say that it names itself in its answers', remedy: 'use callback: own' })
  if (claims?.subject !== undefined && ['email', claims.email].includes(claims.subject)) {
    complain({ path: ['claims', 'subject'], message: 'an e-mail names another person one day', remedy: 'name the claim that identifies the account and never changes' })
  }
  const needsIdToken = keys !== undefined || userinfo === undefined
  if (needsIdToken && scopes !== undefined && !scopes.includes('openid')) complain({ path: ['scopes'], message: 'lack openid', remedy: 'add it: there is no ID token without' })
}
