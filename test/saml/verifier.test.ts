import { execFile } from 'node:child_process'
import { sign } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { createVerifier } from '../../src/connections/saml/verifier.ts'
import type { LogoutMessage, Outcome, Task } from '../../src/connections/saml/verifier.ts'
import { judge } from '../../src/connections/saml/judge.ts'
import { PorticoError } from '../../src/errors.ts'
import { createForge, createForgeKey } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { encryptElement } from '../support/saml/encrypting.ts'
import { createBench } from '../support/saml/judging.ts'
import { signOctets } from '../support/saml/signing.ts'

const now = 1_800_000_000
const forge = createForge({ now: () => now })
const ourKey = createForgeKey()
const ours = createCertificate(ourKey)
const decryptionKeys = [ourKey.export({ type: 'pkcs8', format: 'pem' }).toString()]
const { expectations } = createBench(forge, now, decryptionKeys)
const good: Task = { kind: 'response', message: forge.post(forge.sign(forge.response())), expectations, now }

const codeOf = async (outcome: Promise<Outcome>): Promise<string> =>
  await outcome.then(({ kind }) => kind, (error: unknown) => error instanceof PorticoError ? error.code : String(error))

/** A worker that does this with what it is given. */
const fake = (body: string) => (): Worker => new Worker(`
  const { parentPort } = require('node:worker_threads')
  parentPort.on('message', task => { ${body} })
  parentPort.postMessage('ready')
`, { eval: true })
const answer = "parentPort.postMessage({ kind: 'refused', refusal: { code: 'PORTICO_SAML_STATUS' }, checks: [] })"

t.test('S12 messages and metadata are judged in a thread, as they are without it', async t => {
  const verifier = createVerifier()
  t.teardown(() => verifier.close())
  const tasks: readonly Task[] = [
    good,
    { ...good, message: 'x' },
    { kind: 'metadata', xml: forge.metadata(), entityId: forge.entityId, certificates: [], now },
    { kind: 'metadata', xml: '<a/>', entityId: undefined, certificates: [], now }
  ]
  const outcomes = await Promise.all(tasks.map(task => verifier.judge(task)))
  t.same(outcomes.map(({ kind }) => kind), ['received', 'refused', 'metadata', 'refused'])
  for (const [index, outcome] of outcomes.entries()) t.same(outcome, structuredClone(judge(tasks[index] ?? good)))
})

t.test('S12 what takes too long is given up, with its thread, and nothing else is', async t => {
  const bodies = ['while (true) {}', answer, answer]
  let started = 0
  const verifier = createVerifier({ deadline: 100, mostThreads: 1, createWorker: () => fake(bodies[started++] ?? '')() })
  t.teardown(() => verifier.close())
  const [first, second, third] = await Promise.allSettled([verifier.judge(good), verifier.judge(good), verifier.judge(good)])
  t.match(first, { status: 'rejected', reason: { code: 'PORTICO_SAML_TIMEOUT' } })
  t.match([second, third], [{ status: 'fulfilled' }, { status: 'fulfilled' }])
  t.equal(started, 2, 'one in its place')
})

t.test('S12 a second thread takes what the first is too busy for', async t => {
  let started = 0
  const bodies = ['while (true) {}', answer]
  const verifier = createVerifier({ deadline: 60_000, mostThreads: 2, createWorker: () => fake(bodies[started++] ?? '')() })
  t.teardown(() => verifier.close())
  const busy = codeOf(verifier.judge(good))
  t.match(await verifier.judge(good), { kind: 'refused' })
  t.match(await verifier.judge(good), { kind: 'refused' })
  t.equal(started, 2)
  await verifier.close()
  t.equal(await busy, 'PORTICO_SAML_TIMEOUT', 'nobody waits for an answer that does not come')
})

t.test('S12 a thread that dies takes one message along; the next one gets another thread', async t => {
  for (const [name, body] of Object.entries({ throws: 'throw new Error()', ends: 'process.exit(0)', 'needs too much': 'const all = []; while (true) all.push(new Array(100_000).fill(all.length))' })) {
    let started = 0
    const limited = (): Worker => new Worker(`
      const { parentPort } = require('node:worker_threads')
      parentPort.on('message', () => { ${body} })
      parentPort.postMessage('ready')
    `, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } })
    const verifier = createVerifier({ deadline: 60_000, mostThreads: 1, createWorker: () => started++ === 0 ? limited() : fake(answer)() })
    t.equal(await codeOf(verifier.judge(good)), 'PORTICO_SAML_TIMEOUT', name)
    t.match(await verifier.judge(good), { kind: 'refused' }, name)
    await verifier.close()
  }
})

t.test('S12 a thread that cannot start fails whoever waits, and is not started over and over', async t => {
  let started = 0
  const verifier = createVerifier({ createWorker: () => { started++; return new Worker('throw new Error()', { eval: true }) } })
  t.teardown(() => verifier.close())
  const codes = await Promise.all([1, 2, 3].map(async () => codeOf(verifier.judge(good))))
  t.same(codes, ['PORTICO_SAML_TIMEOUT', 'PORTICO_SAML_TIMEOUT', 'PORTICO_SAML_TIMEOUT'])
  t.equal(started, 1)
  t.equal(await codeOf(verifier.judge(good)), 'PORTICO_SAML_TIMEOUT')
  t.equal(started, 2, 'and once more for the next')
})

t.test('S12 no more than so many wait', async t => {
  const verifier = createVerifier({ mostWaiting: 2, mostThreads: 1, createWorker: fake('') })
  const waiting = [codeOf(verifier.judge(good)), codeOf(verifier.judge(good))]
  t.equal(await codeOf(verifier.judge(good)), 'PORTICO_OVERLOADED')
  await verifier.close()
  t.same(await Promise.all(waiting), ['PORTICO_SAML_TIMEOUT', 'PORTICO_SAML_TIMEOUT'])
  t.equal(await codeOf(verifier.judge(good)), 'PORTICO_OVERLOADED', 'closed')
})

t.test('a thread holds up no exit, and an exit does not overtake it', async t => {
  const module = new URL('../../src/connections/saml/verifier.ts', import.meta.url).href
  const folder = t.testdir({
    'once.mjs': `import { createVerifier } from ${JSON.stringify(module)}\nconst outcome = await createVerifier().judge({ kind: 'metadata', xml: '<a/>', certificates: [], now: 0 })\nconsole.log(outcome.kind)`
  })
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'once.mjs')])
  t.equal(stdout, 'refused\n')
})

const logout = (message: string, binding: 'post' | 'redirect', changed: Partial<Extract<Task, { kind: 'logout' }>['expectations']> = {}): Outcome =>
  judge({ kind: 'logout', message, binding, now, expectations: { entityId: forge.entityId, certificates: [forge.certificate], destination: forge.sp.slo, allowSha1: false, allowCbc: false, decryptionKeys, ...changed } })
const messageOf = (outcome: Outcome): LogoutMessage | string => outcome.kind === 'logout' ? outcome.logout : outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind

t.test('S23 S24 a LogoutRequest and a LogoutResponse, by both bindings', async t => {
  const request = forge.logoutRequest({ id: '_r', sessionIndexes: ['_1', '_2'] })
  const expected = {
    kind: 'request', id: '_r', inResponseTo: undefined, nameId: { value: 'ada-1' }, sessionIndexes: ['_1', '_2'], notOnOrAfter: now + 300, status: undefined, isPartial: false
  }
  const response = forge.logoutResponse({ id: '_s', inResponseTo: '_q' })
  const answered = { kind: 'response', id: '_s', inResponseTo: '_q', nameId: undefined, sessionIndexes: [], notOnOrAfter: undefined, status: 'Success', isPartial: false }
  t.match(messageOf(logout(forge.post(forge.sign(request, { what: 'response' })), 'post')), expected)
  t.match(messageOf(logout(forge.redirect(request, 'SAMLRequest', 'state & more'), 'redirect')), expected)
  t.match(messageOf(logout(forge.redirect(request, 'SAMLRequest'), 'redirect')), expected)
  t.match(messageOf(logout(forge.post(forge.sign(response, { what: 'response' })), 'post')), answered)
  t.match(messageOf(logout(forge.redirect(response, 'SAMLResponse', 'state'), 'redirect')), answered)

  const encrypted = request.replace(/<saml:NameID.*<\/saml:NameID>/, id => encryptElement(id.replace('<saml:NameID', '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'), ours, { wrapper: 'saml:EncryptedID' }))
  t.match(messageOf(logout(forge.redirect(encrypted, 'SAMLRequest'), 'redirect')), expected, 'EncryptedID')
  const partial = response.replace('status:Success"/>', 'status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:PartialLogout"/></samlp:StatusCode>')
  t.match(messageOf(logout(forge.redirect(partial, 'SAMLResponse'), 'redirect')), { status: 'Responder', isPartial: true })
})

t.test('S24 what a LogoutRequest must be', async t => {
  const cases = {
    'of another provider': { issuer: 'https://other.example' },
    'of nobody': { issuer: undefined },
    'for somewhere else': { destination: `${forge.sp.slo}/` },
    'for nowhere': { destination: undefined },
    'of SAML 1.1': { version: '1.1' },
    'over for long': { notOnOrAfter: -181 },
    'from the future': { issueInstant: 181 },
    'old, without an end of its own': { issueInstant: -481, notOnOrAfter: undefined },
    'without a time': { issueInstant: undefined },
    'with no time': { notOnOrAfter: 'tomorrow' },
    'without a name': { nameId: undefined },
    'without an ID': { id: undefined }
  } as const
  for (const [name, changed] of Object.entries(cases)) {
    t.equal(messageOf(logout(forge.redirect(forge.logoutRequest(changed), 'SAMLRequest'), 'redirect')), 'PORTICO_SAML_LOGOUT', name)
    if (changed !== cases['without an ID']) t.equal(messageOf(logout(forge.post(forge.sign(forge.logoutRequest(changed), { what: 'response', ...'issuer' in changed && changed.issuer === undefined && { after: "/*/*[local-name()='NameID']" } })), 'post')), 'PORTICO_SAML_LOGOUT', `${name}, by POST`)
  }
  for (const changed of [{ notOnOrAfter: -179 }, { issueInstant: 179 }, { issueInstant: -479, notOnOrAfter: undefined }]) {
    t.match(messageOf(logout(forge.redirect(forge.logoutRequest(changed), 'SAMLRequest'), 'redirect')), { kind: 'request' }, 'within the skew')
  }
  for (const xml of [forge.response(), forge.sign(forge.response(), { what: 'response' }), '<a/>']) {
    t.equal(messageOf(logout(forge.post(xml), 'post')), 'PORTICO_SAML_LOGOUT', 'another message')
  }
  const mallory = createForge({ now: () => now })
  for (const options of [{ key: mallory.privateKey }, { algorithm: 'rsa-sha1' }] as const) {
    t.equal(messageOf(logout(forge.post(forge.sign(forge.logoutRequest(), { what: 'response', ...options })), 'post')), 'PORTICO_SAML_LOGOUT')
    t.equal(messageOf(logout(forge.redirect(forge.logoutRequest(), 'SAMLRequest', undefined, { algorithm: 'rsa-sha256', ...options }), 'redirect')), 'PORTICO_SAML_LOGOUT')
  }
  t.match(messageOf(logout(forge.redirect(forge.logoutRequest(), 'SAMLRequest', undefined, { algorithm: 'rsa-sha1' }), 'redirect', { allowSha1: true })), { kind: 'request' })
  t.equal(messageOf(logout(forge.post(forge.logoutRequest()), 'post')), 'PORTICO_SAML_LOGOUT', 'unsigned')
  t.match(logout(forge.post(forge.logoutRequest()), 'post'), { refusal: { remedy: /certificates/ } }, 'what to do about it is not lost')
})

t.test('S23 the query is verified as it came', async t => {
  const query = forge.redirect(forge.logoutRequest(), 'SAMLRequest', 'state')
  const [message = '', relayState = '', algorithm = '', signature = ''] = query.split('&')
  const code = (changed: string) => {
    const outcome = messageOf(logout(changed, 'redirect'))
    return typeof outcome === 'string' ? outcome : outcome.kind
  }
  const good = {
    'as it came': query,
    'in another order': [signature, relayState, algorithm, message].join('&'),
    'with others between': `login_hint=ada&${query}&x`,
    'an address of ours with a query': `a=b&${query}`
  }
  for (const [name, changed] of Object.entries(good)) t.equal(code(changed), 'request', name)
  const otherMessage = forge.redirect(forge.logoutRequest({ nameId: { value: 'bob' } }), 'SAMLRequest', 'state').split('&')[0] ?? ''
  const bad = {
    nothing: '',
    unsigned: forge.redirect(forge.logoutRequest(), 'SAMLRequest', 'state', { algorithm: undefined }),
    'without Signature': [message, relayState, algorithm].join('&'),
    'without SigAlg': [message, relayState, signature].join('&'),
    'without its RelayState': [message, algorithm, signature].join('&'),
    'another RelayState': query.replace('RelayState=state', 'RelayState=other'),
    'a second message': `${query}&${otherMessage}`,
    'a second message before': `${otherMessage}&${query}`,
    'a response beside the request': `${query}&SAMLResponse=${message.slice(12)}`,
    'a second RelayState': `${query}&RelayState=x`,
    'a second SigAlg': `${query}&${algorithm}`,
    'another message in other letters': `${query}&samlrequest=${otherMessage.slice(12)}`,
    'another message percent-encoded': `${query}&%53AMLRequest=${otherMessage.slice(12)}`,
    'a message without =': `SAMLRequest&${query}`,
    'the same in another encoding': query.replace('RelayState=state', 'RelayState=%73tate'),
    'a name that is no encoding': `${query}&%zz=1`,
    'SigAlg of an HMAC': query.replace(/SigAlg=[^&]*/, `SigAlg=${encodeURIComponent('http://www.w3.org/2001/04/xmldsig-more#hmac-sha256')}`),
    'SigAlg of another hash': query.replace('rsa-sha256', 'rsa-sha512'),
    'a cut signature': query.slice(0, -8),
    'a response sent as a request': forge.redirect(forge.logoutResponse(), 'SAMLRequest'),
    'a request sent as a response': forge.redirect(forge.logoutRequest(), 'SAMLResponse'),
    'signed inside as well': forge.redirect(forge.sign(forge.logoutRequest(), { what: 'response' }), 'SAMLRequest')
  }
  for (const [name, changed] of Object.entries(bad)) t.equal(code(changed), 'PORTICO_SAML_LOGOUT', name)
  const elliptic = createForge({ now: () => now, privateKey: createForgeKey('ec') })
  const octets = [message, relayState, algorithm].join('&')
  const der = sign('sha256', Buffer.from(octets), elliptic.privateKey).toString('base64')
  t.match(messageOf(logout(`${octets}&Signature=${encodeURIComponent(der)}`, 'redirect', { certificates: [elliptic.certificate] })), 'PORTICO_SAML_LOGOUT', 'ECDSA that calls itself RSA')
  t.match(messageOf(logout(elliptic.redirect(forge.logoutRequest(), 'SAMLRequest'), 'redirect', { certificates: [elliptic.certificate] })), { kind: 'request' })
  const bomb = forge.redirect(`<a>${'x'.repeat(1_000_000)}</a>`, 'SAMLRequest')
  t.match(logout(bomb, 'redirect'), { refusal: { code: 'PORTICO_SAML_LOGOUT', wanted: /^DEFLATE of at most / } }, 'S13')

  // AD FS writes its escapes in lower case: the octets count, not what they mean
  const lower = [message, relayState, algorithm].join('&').replace(/%[0-9A-F]{2}/g, escape => escape.toLowerCase())
  t.not(lower, [message, relayState, algorithm].join('&'))
  t.equal(code(`${lower}&Signature=${encodeURIComponent(signOctets(lower, 'rsa-sha256', forge.privateKey))}`), 'request')
  t.equal(code(`${lower}&${signature}`), 'PORTICO_SAML_LOGOUT')
})
