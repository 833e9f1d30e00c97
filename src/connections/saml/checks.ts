import { foreignText } from '../foreign.ts'
import type { Verdict } from '../verdict.ts'
import type { ReadAssertion } from './assertion.ts'
import type { ResponseExpectations } from './expectations.ts'
import { skew } from './instant.ts'
import type { Assertion } from './received.ts'
import type { Envelope, Status } from './response.ts'

/** All that was read of a response. */
export interface ResponseFacts extends ReadAssertion {
  readonly envelope: Envelope
  /** Whether the envelope was signed. */
  readonly isSigned: boolean
}

/** Judges one thing about a response at `now` (seconds); undefined where there is nothing to judge. */
type ResponseCheck = (facts: ResponseFacts, expected: ResponseExpectations, now: number) => Verdict | undefined

type Confirmation = Assertion['confirmations'][number]
type ConfirmationCheck = (confirmation: Confirmation, expected: ResponseExpectations, now: number) => Verdict | undefined

/** Seconds for which an assertion is accepted after it was issued, however long it says: as long as it must be remembered (behaviours S18, S19). */
export const longestLife = 24 * 3_600

const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
const success = 'urn:oasis:names:tc:SAML:2.0:status:Success'

/** A value for people: bounded, on one line; blanks that nobody would see are told of. */
const show = (value: string | undefined): string =>
  value === undefined ? 'nothing' : `${foreignText(value)}${/^\s|\s$/.test(value) ? ' (with blanks around it, which count)' : ''}`

/** A time for people, as seen from `now`. */
export const showTime = (time: number | undefined, now: number): string => {
  if (time === undefined) return 'nothing'
  const seconds = Math.round(time - now)
  return seconds === 0 ? 'now' : `${Math.abs(seconds)} s ${seconds < 0 ? 'ago' : 'ahead'}`
}

const isOver = (notOnOrAfter: number | undefined, now: number): boolean => notOnOrAfter !== undefined && now >= notOnOrAfter + skew
const isAhead = (time: number | undefined, now: number): boolean => time !== undefined && time > now + skew

/** The last part of a status code: `NoPassive`. */
export const shortStatus = (code: string | undefined): string | undefined => code?.split(':').at(-1)

/** S21, S2, SAML Core §3.2.2.2: the provider says that it went well. */
export const statusVerdict = ({ code, second, message }: Status): Verdict => ({
  name: 'Status',
  passed: code === success,
  code: 'PORTICO_SAML_STATUS',
  wanted: 'Success',
  got: code === undefined ? 'none' : foreignText([shortStatus(code), shortStatus(second), message].filter(part => part !== undefined && part !== '').join(': '))
})

/** S21: both the response and the assertion are of SAML 2.0. */
const version: ResponseCheck = ({ envelope, version }) => ({
  name: 'Version', passed: envelope.version === '2.0' && version === '2.0', code: 'PORTICO_SAML_VERSION', wanted: '2.0', got: `${show(envelope.version)}, of the assertion ${show(version)}`
})

/** S16: the assertion is of this provider, character by character. */
const issuer: ResponseCheck = ({ assertion }, { entityId }) => ({
  name: 'Issuer', passed: assertion.issuer === entityId, code: 'PORTICO_SAML_ISSUER', wanted: entityId, got: show(assertion.issuer)
})

/** S16: so is the response, if it says whose it is. */
const responseIssuer: ResponseCheck = ({ envelope }, { entityId }) => envelope.issuer === undefined
  ? undefined
  : { name: 'Issuer of the response', passed: envelope.issuer === entityId, code: 'PORTICO_SAML_ISSUER', wanted: entityId, got: show(envelope.issuer) }

/** S15, SAML Bindings §3.5.5.2: Destination is one of our addresses, and is there where it is signed. */
const destination: ResponseCheck = ({ envelope: { destination }, isSigned }, { acsUrls }) => destination === undefined && !isSigned
  ? undefined
  : { name: 'Destination', passed: destination !== undefined && acsUrls.includes(destination), code: 'PORTICO_SAML_DESTINATION', wanted: acsUrls.join(' or '), got: show(destination) }

/** S14, SAML Core §2.5.1.4: there is an AudienceRestriction, and each names us. */
const audience: ResponseCheck = ({ assertion: { conditions } }, { audience }) => {
  const restrictions = conditions?.audiences ?? []
  return {
    name: 'Audience',
    passed: restrictions.length > 0 && restrictions.every(each => each.includes(audience)),
    code: 'PORTICO_SAML_AUDIENCE',
    wanted: audience,
    got: restrictions.length === 0 ? 'no AudienceRestriction' : restrictions.map(each => each.slice(0, 5).map(show).join(' or ')).slice(0, 5).join(', and ')
  }
}

/** SAML Core §2.5.1: what is a condition and is not understood is not met. */
const otherConditions: ResponseCheck = ({ otherConditions }) => ({
  name: 'Conditions', passed: otherConditions.length === 0, code: 'PORTICO_SAML_ASSERTION', wanted: 'conditions that are known', got: otherConditions.length === 0 ? 'no others' : foreignText(otherConditions.join(', '))
})

/** S19. */
const notBefore: ResponseCheck = ({ assertion: { conditions } }, _expected, now) => conditions?.notBefore === undefined
  ? undefined
  : { name: 'NotBefore', passed: !isAhead(conditions.notBefore, now), code: 'PORTICO_SAML_TIME', wanted: 'NotBefore in the past', got: showTime(conditions.notBefore, now) }

/** S19. */
const notOnOrAfter: ResponseCheck = ({ assertion: { conditions } }, _expected, now) => conditions?.notOnOrAfter === undefined
  ? undefined
  : { name: 'NotOnOrAfter', passed: !isOver(conditions.notOnOrAfter, now), code: 'PORTICO_SAML_TIME', wanted: 'NotOnOrAfter in the future', got: showTime(conditions.notOnOrAfter, now) }

/** S19: both were issued a short while ago. */
const issueInstant: ResponseCheck = ({ assertion, envelope }, _expected, now) => ({
  name: 'IssueInstant',
  passed: [assertion.issueInstant, envelope.issueInstant].every(time => !isAhead(time, now) && !isOver(time + longestLife, now)),
  code: 'PORTICO_SAML_TIME',
  wanted: `IssueInstant at most ${longestLife / 3_600} hours ago`,
  got: `${showTime(envelope.issueInstant, now)}, of the assertion ${showTime(assertion.issueInstant, now)}`
})

/** S20, SAML Profiles §4.1.4.2: whoever brings it is who it speaks of; for us, and for a while. */
const confirmationChecks: readonly ConfirmationCheck[] = [
  ({ method }) => ({ name: 'SubjectConfirmation', passed: method === bearer, code: 'PORTICO_SAML_CONFIRMATION', wanted: 'bearer', got: show(method) }),
  ({ recipient }, { acsUrls }) => ({
    name: 'Recipient',
    passed: recipient !== undefined && acsUrls.includes(recipient),
    code: recipient === undefined ? 'PORTICO_SAML_CONFIRMATION' : 'PORTICO_SAML_DESTINATION',
    wanted: acsUrls.join(' or '),
    got: show(recipient)
  }),
  ({ notBefore }, _expected, now) => notBefore === undefined
    ? undefined
    : { name: 'NotBefore of the confirmation', passed: false, code: 'PORTICO_SAML_CONFIRMATION', wanted: 'none', got: showTime(notBefore, now) },
  ({ notOnOrAfter }, _expected, now) => ({
    name: 'NotOnOrAfter of the confirmation',
    passed: notOnOrAfter !== undefined && !isOver(notOnOrAfter, now),
    code: notOnOrAfter === undefined ? 'PORTICO_SAML_CONFIRMATION' : 'PORTICO_SAML_TIME',
    wanted: 'NotOnOrAfter in the future',
    got: showTime(notOnOrAfter, now)
  })
]

const judgeConfirmation = (confirmation: Confirmation, expected: ResponseExpectations, now: number): readonly Verdict[] =>
  confirmationChecks.flatMap(check => check(confirmation, expected, now) ?? [])

/** The confirmation that an assertion is accepted by; where none is good, the one that says best why not. */
export const bestConfirmation = ({ confirmations }: Assertion, expected: ResponseExpectations, now: number): Confirmation =>
  confirmations.find(each => judgeConfirmation(each, expected, now).every(({ passed }) => passed)) ??
  confirmations.find(({ method }) => method === bearer) ?? confirmations[0] ?? { method: 'none' }

/** S17: what the response says of the request is what was signed of it; the root alone proves nothing. */
const inResponseTo = ({ envelope }: ResponseFacts, confirmation: Confirmation): Verdict | undefined => envelope.inResponseTo === undefined
  ? undefined
  : {
      name: 'InResponseTo',
      passed: confirmation.inResponseTo === envelope.inResponseTo,
      code: 'PORTICO_SAML_IN_RESPONSE_TO',
      wanted: 'the same in the response and the signed SubjectConfirmationData',
      got: confirmation.inResponseTo === envelope.inResponseTo ? 'the same' : confirmation.inResponseTo === undefined ? 'none in SubjectConfirmationData' : 'another one'
    }

/** SAML Profiles §4.1.4.2: somebody authenticated. */
const statement: ResponseCheck = ({ assertion: { statements } }) => ({
  name: 'AuthnStatement', passed: statements.length > 0, code: 'PORTICO_SAML_ASSERTION', wanted: 'one', got: statements.length === 0 ? 'none' : 'one'
})

/** S19. */
const sessionNotOnOrAfter: ResponseCheck = ({ assertion: { statements } }, _expected, now) => {
  const [first, ...others] = statements.flatMap(({ sessionNotOnOrAfter }) => sessionNotOnOrAfter ?? [])
  if (first === undefined) return undefined
  const soonest = Math.min(first, ...others)
  return { name: 'SessionNotOnOrAfter', passed: !isOver(soonest, now), code: 'PORTICO_SAML_TIME', wanted: 'SessionNotOnOrAfter in the future', got: showTime(soonest, now) }
}

/** S19: never in the future, and no longer ago than was asked for. */
const authnInstant: ResponseCheck = ({ assertion: { statements } }, { maxAge }, now) => {
  const times = statements.map(({ authnInstant }) => authnInstant)
  const oldest = maxAge === undefined ? -Infinity : now - maxAge - skew
  return {
    name: 'AuthnInstant',
    passed: times.every(time => !isAhead(time, now) && time >= oldest),
    code: times.some(time => isAhead(time, now)) ? 'PORTICO_SAML_TIME' : 'PORTICO_SAML_AUTHN_INSTANT',
    wanted: maxAge === undefined ? 'AuthnInstant in the past' : `AuthnInstant at most ${maxAge} s ago`,
    got: times.map(time => showTime(time, now)).join(', ')
  }
}

const before = [version, issuer, responseIssuer, destination, audience, otherConditions]
const after = [notBefore, notOnOrAfter, issueInstant, statement, sessionNotOnOrAfter, authnInstant]

/** Every check on what a response says, in the order in which they explain most; but for Status, which is judged before. */
export const judgeFacts = (facts: ResponseFacts, expected: ResponseExpectations, now: number): readonly Verdict[] => {
  const confirmation = bestConfirmation(facts.assertion, expected, now)
  return [
    ...before.map(check => check(facts, expected, now)),
    ...judgeConfirmation(confirmation, expected, now),
    ...after.map(check => check(facts, expected, now)),
    inResponseTo(facts, confirmation)
  ].filter(verdict => verdict !== undefined)
}

/**
 * Until when an accepted assertion must be remembered as used, in seconds since the epoch: as long as it
 * would be accepted again, by whichever of its confirmations, and once more the skew, for instances whose
 * clocks differ and for the minute between the POST and the GET that follows it.
 */
export const replayableUntil = ({ issueInstant, conditions, confirmations }: Assertion): number => {
  const last = Math.max(...confirmations.map(({ notOnOrAfter }) => notOnOrAfter ?? -Infinity))
  return Math.ceil(Math.min(issueInstant + longestLife, conditions?.notOnOrAfter ?? Infinity, last)) + 2 * skew
}
