import type { Connection } from '../config/configuration.ts'
import { claim, isTrue, showClaim } from './oidc/claim.ts'
import type { Claims } from './oidc/dialect.ts'
import type { Verdict } from './verdict.ts'
import { oidcSettings } from './oidc/settings.ts'

/** Where Microsoft keeps personal accounts. */
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** The tenant that a token names, as settings name it. */
export const tenantIn = (claims: Claims): string | undefined => {
  const tid = claim(claims, 'tid')
  return typeof tid === 'string' ? tid.toLowerCase() : undefined
}

/** v1 tokens have other claims under the same names, and other issuers. */
export const version = (claims: Claims): Verdict => ({
  name: 'ver',
  passed: claim(claims, 'ver') === '2.0',
  code: 'PORTICO_TOKEN_VERSION',
  wanted: 'ver 2.0',
  got: showClaim(claims, 'ver')
})

/** O4, R3: `tid` is one of the tenants that are let in; a personal account never is, unless its tenant is listed. */
export const tenant = (tenants: ReadonlyMap<string, unknown>) => (claims: Claims): Verdict => {
  const tid = tenantIn(claims)
  return {
    name: 'tid',
    passed: tid !== undefined && tenants.has(tid),
    code: tid === consumers ? 'PORTICO_CONSUMER_ACCOUNT' : 'PORTICO_TENANT_NOT_ALLOWED',
    wanted: `tid ${[...tenants.keys()].slice(0, 10).join(' or ')}`,
    got: tid === consumers ? 'a personal Microsoft account' : showClaim(claims, 'tid')
  }
}

/** Says that somebody is a guest; undefined where nothing does. */
const signOfGuest = (claims: Claims): string | undefined => {
  const name = ['preferred_username', 'upn', 'unique_name', 'email'].find(each => /#ext#/i.test(String(claim(claims, each) ?? '')))
  if (name !== undefined) return `#EXT# in ${name}`
  if (['1', 'true'].includes(String(claim(claims, 'acct')))) return 'acct 1'
  const idp = claim(claims, 'idp')
  const own = [claim(claims, 'iss'), `https://sts.windows.net/${tenantIn(claims) ?? ''}/`]
  return idp === undefined || own.includes(idp) ? undefined : `idp ${showClaim(claims, 'idp')}`
}

/** A guest is somebody of another company, vouched for by an invitation alone: pinning the tenant does not keep guests out. */
export const noGuest = (claims: Claims): Verdict => {
  const sign = signOfGuest(claims)
  return { name: 'guest', passed: sign === undefined, code: 'PORTICO_GUEST_ACCOUNT', wanted: 'a member of the tenant', got: sign ?? 'no sign of a guest' }
}

/**
 * The e-mail counts because the tenant is pinned and its domains are listed: in Entra it is an attribute
 * that admins can set to anything (nOAuth), and there is no `email_verified`. A claim that says it is not
 * the tenant's own (`xms_edov`, or the standard one) is heard.
 */
export const notRefuted = (connection: Connection) => (claims: Claims): Verdict => {
  const isTrusted = oidcSettings(connection).dangerously_trust_unverified_email
  const refuted = ['xms_edov', 'email_verified'].find(name => {
    const value = claim(claims, name)
    return value !== undefined && !isTrue(value) && value !== 1 && value !== '1'
  })
  return {
    name: 'xms_edov',
    passed: isTrusted || refuted === undefined,
    code: 'PORTICO_EMAIL_UNVERIFIED',
    wanted: isTrusted ? 'any: dangerously_trust_unverified_email' : 'an e-mail whose domain the tenant owns',
    got: refuted === undefined ? 'nothing against it' : `${refuted} ${showClaim(claims, refuted)}`,
    remedy: 'The tenant does not own the domain of this e-mail: have its admin verify the domain in Entra, or correct the e-mail of the person there.'
  }
}
