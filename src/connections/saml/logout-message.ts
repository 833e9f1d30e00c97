import { PorticoError } from '../../errors.ts'
import { isValue } from '../sound.ts'
import { foreignText } from '../foreign.ts'
import type { CheckTrace } from '../trace.ts'
import { nameIdIn } from './assertion.ts'
import { shortStatus, showTime } from './checks.ts'
import { decrypt } from './decryption.ts'
import { attributeOf, childrenNamed, isNamed, namespaces, readXml, textOf } from './document.ts'
import type { LogoutExpectations } from './expectations.ts'
import { isKeepable } from './facts.ts'
import { readInstant, skew } from './instant.ts'
import { readRedirect } from './redirect-binding.ts'
import { readEnvelope, statusOf } from './response.ts'
import type { Envelope } from './response.ts'
import { decodeBase64, decodeText, messageLimits } from './screen.ts'
import { checkSignaturePlaces, verifySigned } from './signature.ts'
import { step } from './step.ts'
import type { LogoutMessage, Task } from './verifier.ts'

const { protocol } = namespaces

/** Seconds for which a message that names no end of its own is of now. */
const lifetime = 300

const kinds = { request: 'LogoutRequest', response: 'LogoutResponse' } as const

const refuse = (wanted: string, got: string | undefined): never => {
  throw new PorticoError('PORTICO_SAML_LOGOUT', { wanted, got: got === undefined ? 'nothing' : foreignText(got) })
}

/** The signature stands in the message. */
const readPost = (message: string, expected: LogoutExpectations, trace: CheckTrace): Element => {
  const root = step(trace, 'message', 'a small and plain message', () => {
    const read = readXml(decodeText(decodeBase64(message, messageLimits.bytes), messageLimits))
    checkSignaturePlaces(read, [read])
    return read
  })
  return verifySigned(root, expected, trace).root
}

/** The signature is over the query, and none stands in the message (SAML Bindings §3.4.4.1). */
const readQuery = (message: string, expected: LogoutExpectations, trace: CheckTrace): Element =>
  step(trace, 'message', 'a small and plain message in a signed query', () => {
    const { parameter, text } = readRedirect(message, expected)
    const root = readXml(text)
    checkSignaturePlaces(root, [])
    const wanted = parameter === 'SAMLRequest' ? kinds.request : kinds.response
    return isNamed(root, protocol, wanted) ? root : refuse(`a ${wanted} as ${parameter}`, 'something else')
  })

/** S24: it is of this provider, for us, of now, and of SAML 2.0. */
const checkEnvelope = ({ version, issuer, destination, issueInstant }: Envelope, notOnOrAfter: number | undefined, expected: LogoutExpectations, now: number): void => {
  if (version !== '2.0') refuse('Version 2.0', version)
  if (issuer !== expected.entityId) refuse(`Issuer ${expected.entityId}`, issuer)
  if (destination !== expected.destination) refuse(`Destination ${expected.destination}`, destination)
  if (issueInstant > now + skew) refuse('IssueInstant in the past', showTime(issueInstant, now))
  const end = notOnOrAfter ?? issueInstant + lifetime
  if (now >= end + skew) refuse(notOnOrAfter === undefined ? `IssueInstant at most ${lifetime} s ago` : 'NotOnOrAfter in the future', showTime(notOnOrAfter ?? issueInstant, now))
}

const readMessage = (root: Element, expected: LogoutExpectations, now: number): LogoutMessage => {
  const kind = isNamed(root, protocol, kinds.request) ? 'request' : isNamed(root, protocol, kinds.response) ? 'response' : refuse('a LogoutRequest or LogoutResponse', root.localName)
  const envelope = readEnvelope(root)
  const end = attributeOf(root, 'NotOnOrAfter')
  const notOnOrAfter = end === undefined || kind === 'response' ? undefined : readInstant(end, 'NotOnOrAfter')
  checkEnvelope(envelope, notOnOrAfter, expected, now)
  const id = attributeOf(root, 'ID') ?? ''
  if (!/^[\w.-]{1,256}$/.test(id)) refuse('a plain ID', id)
  const nameId = kind === 'request' ? nameIdIn(root, wrapper => decrypt(wrapper, expected)) : undefined
  if (kind === 'request' && nameId === undefined) refuse('a NameID', 'none')
  const sessionIndexes = kind === 'request' ? childrenNamed(root, protocol, 'SessionIndex').map(textOf) : []
  // no session here has any other, and what is revoked is remembered for long
  if (nameId !== undefined && !(isKeepable(nameId) && sessionIndexes.every(isValue))) refuse('a NameID and SessionIndexes that can be kept', 'longer ones, or control characters')
  const { code, second } = statusOf(root)
  return {
    kind,
    id,
    inResponseTo: envelope.inResponseTo,
    nameId,
    sessionIndexes,
    notOnOrAfter,
    status: kind === 'response' ? shortStatus(code) : undefined,
    isPartial: kind === 'response' && shortStatus(second) === 'PartialLogout'
  }
}

/**
 * Judges a message of single logout (SAML Core §3.7, behaviours S23, S24): signed, of this provider, for our
 * SLO URL, of now; whom it means, and whether they are here, is for others to say. Throws
 * PORTICO_SAML_LOGOUT for whatever is wrong with it.
 */
export const judgeLogout = ({ message, binding, expectations, now }: Extract<Task, { kind: 'logout' }>, trace: CheckTrace): LogoutMessage => {
  try {
    const root = (binding === 'post' ? readPost : readQuery)(message, expectations, trace)
    return step(trace, 'logout', 'a message of this provider, for us, of now', () => readMessage(root, expectations, now))
  } catch (error) {
    if (!(error instanceof PorticoError) || error.code === 'PORTICO_SAML_LOGOUT') throw error
    const { wanted, got, remedy } = error
    throw new PorticoError('PORTICO_SAML_LOGOUT', { wanted, got, remedy, cause: error })
  }
}
