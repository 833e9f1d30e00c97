import { PorticoError } from '../../errors.ts'
import { enforce } from '../verdict.ts'
import type { Verdict } from '../verdict.ts'
import type { CheckTrace, TracedCheck } from '../trace.ts'
import { readAssertion } from './assertion.ts'
import { bestConfirmation, judgeFacts, replayableUntil, statusVerdict } from './checks.ts'
import { decrypt } from './decryption.ts'
import { isNamed, namespaces, readXml } from './document.ts'
import type { ResponseExpectations } from './expectations.ts'
import { readIdpMetadata } from './idp-metadata.ts'
import { judgeLogout } from './logout-message.ts'
import type { Received } from './received.ts'
import { assertionIn, checkNoneWithin, readEnvelope, statusOf } from './response.ts'
import { decodeBase64, decodeText, messageLimits } from './screen.ts'
import { checkSignaturePlaces, signatureOf, verifySigned } from './signature.ts'
import type { Signed } from './signature.ts'
import { step } from './step.ts'
import type { Outcome, RefusalData, Task } from './verifier.ts'

const isAssertion = (element: Element): boolean => isNamed(element, namespaces.assertion, 'Assertion')

const refuse = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_ASSERTION', { wanted, got }) }

/** An assertion where it stands, and what its own signature is over, if it has one. */
interface Found {
  readonly element: Element
  readonly signed: Signed | undefined
}

const verifyOwn = (element: Element, expected: ResponseExpectations, trace: CheckTrace): Signed | undefined =>
  signatureOf(element) === undefined ? undefined : verifySigned(element, expected, trace)

const readOpened = (element: Element, expected: ResponseExpectations, trace: CheckTrace): Found => {
  step(trace, 'EncryptedAssertion', 'an assertion and nothing else', () => {
    if (!isAssertion(element)) refuse('an Assertion in EncryptedAssertion', 'something else')
    checkNoneWithin(element)
    checkSignaturePlaces(element, [element])
  })
  return { element, signed: verifyOwn(element, expected, trace) }
}

const open = (wrapper: Element, expected: ResponseExpectations, trace: CheckTrace): Element =>
  step(trace, 'decryption', 'something that is encrypted for us', () => decrypt(wrapper, expected))

const openAssertion = (wrapper: Element, expected: ResponseExpectations, trace: CheckTrace): Found => readOpened(open(wrapper, expected, trace), expected, trace)

/**
 * As `openAssertion`; where AES-CBC is allowed, what came out is not known to be what was encrypted, and until
 * somebody's signature says so, why it is refused would tell whoever changed it what it says (behaviours S10).
 */
const openUnsigned: typeof openAssertion = (wrapper, expected, trace) => {
  if (!expected.allowCbc) return openAssertion(wrapper, expected, trace)
  let opened: Element | undefined
  try {
    opened = open(wrapper, expected, trace)
    const found = readOpened(opened, expected, trace)
    if (found.signed !== undefined) return found
  } catch (error) {
    // How it says that it is encrypted stands in the clear
    const isInTheClear = opened === undefined && error instanceof PorticoError && error.code === 'PORTICO_SAML_ALGORITHM'
    if (isInTheClear || !(error instanceof PorticoError)) throw error
  }
  throw new PorticoError('PORTICO_SAML_ENCRYPTION', { wanted: 'an assertion that is encrypted for us and signed', got: 'another one' })
}

/** S7, and what the connection asks for beyond: undefined is what is not signed. */
const signedVerdict = (wanted: ResponseExpectations['wantSigned'], response: Signed | undefined, assertion: Signed | undefined): Verdict => {
  const signed = { either: response ?? assertion, assertion, response, both: response && assertion }[wanted]
  return {
    name: 'signed',
    passed: signed !== undefined,
    code: 'PORTICO_SAML_SIGNATURE',
    wanted: wanted === 'either' ? 'a signed response or assertion' : wanted === 'both' ? 'a signed response and assertion' : `a signed ${wanted}`,
    got: [response && 'a signed response', assertion && 'a signed assertion'].filter(each => each !== undefined).join(' and ') || 'neither is signed'
  }
}

const judgeResponse = (message: string, expected: ResponseExpectations, now: number, trace: CheckTrace): Received => {
  const outer = step(trace, 'SAMLResponse', 'a small and plain response', () => {
    const root = readXml(decodeText(decodeBase64(message, messageLimits.bytes), messageLimits))
    const own = assertionIn(root)
    checkSignaturePlaces(root, own === undefined ? [root] : [root, own])
    return root
  })
  const signedResponse = verifyOwn(outer, expected, trace)
  // What a provider says that refuses is seldom signed; it is refused in either case.
  const response = signedResponse?.root ?? outer
  enforce(statusVerdict(statusOf(response)), trace)
  const inside = assertionIn(response)
  const outside = assertionIn(outer)
  if (inside === undefined || outside === undefined) return refuse('one assertion', 'none')
  const { element, signed: signedAssertion } = isAssertion(inside)
    ? { element: inside, signed: verifyOwn(outside, expected, trace) }
    : (signedResponse === undefined ? openUnsigned : openAssertion)(inside, expected, trace)
  enforce(signedVerdict(expected.wantSigned, signedResponse, signedAssertion), trace)

  // Where the response is signed, everything in it is; otherwise only what the assertion's own signature is over.
  const assertionElement = signedResponse === undefined ? signedAssertion?.root : element
  const certificate = (signedResponse ?? signedAssertion)?.certificate
  if (assertionElement === undefined || certificate === undefined) return refuse('a signed assertion', 'none')
  const facts = step(trace, 'Assertion', 'one that can be read', () => ({
    ...readAssertion(assertionElement, wrapper => decrypt(wrapper, expected)),
    envelope: readEnvelope(response),
    isSigned: signedResponse !== undefined
  }))
  for (const verdict of judgeFacts(facts, expected, now)) enforce(verdict, trace)
  const { assertion } = facts
  const confirmation = bestConfirmation(assertion, expected, now)
  return { assertion, inResponseTo: confirmation.inResponseTo, certificate, replayableUntil: replayableUntil(assertion) }
}

/** What is no refusal is a defect here; whoever sent it learns no more, and gets no further. */
const refusalOf = (error: unknown): RefusalData => {
  const { code, wanted, got, remedy } = error instanceof PorticoError
    ? error
    : new PorticoError('PORTICO_SAML_MESSAGE', { got: `something that reading it breaks on (${error instanceof Error ? error.name : 'unknown'})` })
  return { code, wanted, got, remedy }
}

const judgeTask = (task: Task, checks: readonly TracedCheck[], trace: CheckTrace): Outcome => {
  switch (task.kind) {
    case 'response': return { kind: 'received', received: judgeResponse(task.message, task.expectations, task.now, trace), checks }
    case 'logout': return { kind: 'logout', logout: judgeLogout(task, trace), checks }
    case 'metadata': return { kind: 'metadata', description: readIdpMetadata(task.xml, task, trace), checks }
  }
}

/**
 * Judges a message or metadata: a pure function of it, what is expected and the time. Never throws: what is
 * wrong is refused, with every check that was made. Takes milliseconds of processor: its place is the
 * verifying worker.
 */
export const judge = (task: Task): Outcome => {
  const checks: TracedCheck[] = []
  try {
    return judgeTask(task, checks, { check: each => { checks.push(each) } })
  } catch (error) {
    const refusal = refusalOf(error)
    const { wanted = 'one that can be read', got = 'another one' } = refusal
    const isTold = checks.at(-1)?.passed === false
    return { kind: 'refused', refusal, checks: isTold ? checks : [...checks, { name: `the ${task.kind}`, passed: false, wanted, got }] }
  }
}
