import type { Connection } from '../../config/configuration.ts'
import { parseEmail, type Email } from '../../config/schema/email.ts'
import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'
import { enforce, type Verdict } from '../verdict.ts'
import type { Trace } from '../trace.ts'
import { firstOf, pingSubject } from './attributes.ts'
import { factsOf, lastingNameId, single, type Facts, type Found } from './facts.ts'
import type { Received } from './received.ts'
import { samlSettings } from './settings.ts'

/** Addresses that stand where no e-mail is promised: they count where they are one. */
const implied = ({ assertion, attributes }: Facts): Found<readonly string[]> | undefined =>
  [
    { value: [lastingNameId(assertion)?.value ?? ''], from: 'NameID' },
    { value: attributes.get(pingSubject) ?? [], from: `attribute ${pingSubject}` }
  ].find(({ value }) => value.some(each => parseEmail(each) !== undefined))

/** Everything that stands where the e-mail does: of an attribute if there is one, else what is implied unless one was named. */
const stated = (facts: Facts, isNamed: boolean): Found<readonly string[]> | undefined => {
  const attribute = firstOf(facts.attributes, facts.names.email)
  if (attribute !== undefined) return { value: attribute.values, from: `attribute ${attribute.name}` }
  return isNamed ? undefined : implied(facts)
}

/** N2, H3, S22: one plain address. `isNamed`: its attribute is configured. Throws PORTICO_EMAIL_MISSING and PORTICO_EMAIL_INVALID. */
export const readEmail = (facts: Facts, isNamed: boolean, trace: Trace | undefined): Email => {
  const found = stated(facts, isNamed)
  const parsed = (found?.value ?? []).map(value => parseEmail(value))
  const [email] = parsed
  const isSingle = email !== undefined && parsed.every(other => other?.email === email.email)
  const usual = `attribute ${facts.names.email.slice(0, 4).join(' or ')}${isNamed ? '' : ' (or another usual name), or as NameID'}`
  const verdict: Verdict = {
    name: 'e-mail',
    passed: isSingle,
    code: found === undefined ? 'PORTICO_EMAIL_MISSING' : 'PORTICO_EMAIL_INVALID',
    wanted: `one plain address as ${found?.from ?? usual}`,
    got: found === undefined ? 'none' : foreignText(found.value.slice(0, 5).join(', ')),
    remedy: found === undefined
      ? 'Have the provider send the e-mail as an attribute of this application, or name the right one in attributes.email.'
      : 'The attribute must hold one plain address, and no second one; or name another in attributes.email.'
  }
  enforce(verdict, trace)
  if (!isSingle) throw new PorticoError(verdict.code, verdict)
  trace?.field({ field: 'email', value: email.email, from: found?.from ?? '' })
  return email
}

/** The e-mail that an assertion names, whatever its domain, to be hinted with; undefined where it names none. */
export const hintFrom = ({ assertion }: Received, connection: Connection): string | undefined => {
  const found = stated(factsOf(assertion, connection), samlSettings(connection).attributes.email !== undefined)
  return parseEmail(single(found?.value ?? []) ?? '')?.email
}
