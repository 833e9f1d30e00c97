import type { Connection } from '../config/configuration.ts'
import type { Email } from '../config/schema/email.ts'
import { foreignText } from './foreign.ts'
import type { Verdict } from './verdict.ts'

/** Characters that a name is cut to. */
const longestName = 256

/** N1, H6, H7: the domain is, exactly, one that may be asserted here. */
export const ownDomain = ({ email, domain }: Email, domains: ReadonlySet<string>): Verdict => ({
  name: 'domain of the e-mail',
  passed: domains.has(domain),
  code: 'PORTICO_EMAIL_DOMAIN',
  wanted: `an e-mail of ${[...domains].slice(0, 10).join(', ') || 'no domain at all'}`,
  got: email
})

/** R22: the class that was asked for (OpenID Connect Core §5.5.1.1, SAML Core §3.3.2.2.1), which a provider may ignore. */
export const requiredAcr = ({ requireAcr }: Connection, acr: string | undefined): Verdict | undefined => requireAcr === undefined
  ? undefined
  : { name: 'acr', passed: acr !== undefined && requireAcr.includes(acr), code: 'PORTICO_ACR_REQUIRED', wanted: `acr ${requireAcr.join(' or ')}`, got: foreignText(acr ?? 'none') }

/** R22: one of the methods (RFC 8176). */
export const requiredAmr = ({ requireAmr }: Connection, amr: readonly string[] = []): Verdict | undefined => requireAmr === undefined
  ? undefined
  : { name: 'amr', passed: requireAmr.some(method => amr.includes(method)), code: 'PORTICO_AMR_REQUIRED', wanted: `amr with ${requireAmr.join(' or ')}`, got: foreignText(amr.join(', ')) || 'none' }

/** A display name as it goes on: cut; undefined where nothing is left. */
export const shortName = (name: string): string | undefined => {
  const short = Array.from(name.trim()).slice(0, longestName).join('')
  return short === '' ? undefined : short
}
