import type { Connection } from '../../config/configuration.ts'
import { parseEmail, type Email } from '../../config/schema/email.ts'
import { claim, isTrue, showClaim } from './claim.ts'
import { isValue } from '../sound.ts'
import type { ClaimNames, Claims, Dialect } from './dialect.ts'
import { foreignText } from '../foreign.ts'
import { discoveryAddress } from './metadata.ts'
import type { Verdict } from '../verdict.ts'
import { oidcSettings } from './settings.ts'

/** The usual claims. */
const standardClaims: ClaimNames = { email: ['email'], name: 'name', groups: 'groups' }

/** What of a request any provider understands. */
export const standardParameters: Dialect['parameters'] = ({ loginHint, prompt }) => ({
  ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  ...(prompt === undefined ? {} : { prompt })
})

/** O13, G5: the provider calls this very address verified, or the operator said to believe it all the same. */
export const emailVerified = (connection: Connection, remedy?: string) => (claims: Claims, { email }: Email): Verdict => {
  const about = claim(claims, 'email')
  // of a claim by another name, `email_verified` says nothing
  const isSame = typeof about === 'string' && parseEmail(about)?.email === email
  const isTrusted = oidcSettings(connection).dangerously_trust_unverified_email
  const said = isSame ? showClaim(claims, 'email_verified') : `one for ${foreignText(JSON.stringify(about) ?? 'no e-mail')}`
  return {
    name: 'email_verified',
    passed: isTrusted || (isSame && isTrue(claim(claims, 'email_verified'))),
    code: 'PORTICO_EMAIL_UNVERIFIED',
    wanted: isTrusted ? 'any: dangerously_trust_unverified_email' : `email_verified: true for ${email}`,
    got: said,
    remedy
  }
}

/** `iss` and `sub`: an issuer is a URL and holds no blank. */
export const issuerAndSub: Dialect['subject'] = (claims, issuer) => {
  const sub = claim(claims, 'sub')
  return isValue(sub) && sub !== '' ? { value: `${issuer} ${sub}`, from: 'issuer and claim sub of the ID token' } : undefined
}

/**
 * A provider with discovery that does as OpenID Connect says (product R6): what a connector changes, it
 * writes over this.
 */
export const standardDialect = (connection: Connection, discoveryUrl: string, names: ClaimNames = standardClaims): Dialect => {
  const discovery = discoveryAddress(discoveryUrl)
  const { dangerously_trust_unverified_email: isTrusting } = oidcSettings(connection)
  return {
    source: { discovery },
    issuers: [discovery.issuer],
    tenants: undefined,
    issuerOf: metadata => metadata.issuer,
    isItself: false,
    proof: 'signature',
    authentication: undefined,
    scopes: undefined,
    parameters: standardParameters,
    logoutHint: (_claims, email) => email,
    explain: () => undefined,
    tokenChecks: [],
    identityChecks: [],
    claims: names,
    completed: [names.email, [names.name], [names.groups], ...(isTrusting ? [] : [['email'], ['email_verified']])],
    subject: issuerAndSub,
    tokenSubject: issuerAndSub,
    vouched: emailVerified(connection),
    assertable: () => connection.assertable
  }
}
