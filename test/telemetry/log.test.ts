import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { PorticoError } from '../../src/errors.ts'
import { createAudit } from '../../src/telemetry/audit.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createRequestLog } from '../../src/telemetry/request-log.ts'
import type { RequestLine } from '../../src/telemetry/request-log.ts'

type Line = Record<string, unknown>

/** A log that is read instead of written. */
const listening = (level = 'info') => {
  const written: string[] = []
  const log = createLog({ level, destination: { write: text => { written.push(text) } } })
  return {
    log,
    text: () => written.join(''),
    lines: () => written.join('').split('\n').filter(line => line !== '').map((line): Line => JSON.parse(line)),
    last: (): Line => JSON.parse(written.at(-1) ?? '')
  }
}

const jwt = `eyJhbGciOiJFUzI1NiJ9.${Buffer.from('{"sub":"MARKER"}').toString('base64url')}.c2lnbmF0dXJl`

/** An error as libraries throw them, with everything secret that they are known to hang on it. */
const laden = (): AggregateError => {
  const inner = Object.assign(new Error(`no route for http://idp/token?code=MARKER-code&x=1: ${jwt}`), {
    input: 'https://auth/login/callback?code=MARKER-input', response: { headers: { authorization: 'Bearer MARKER-response' } }, token: 'MARKER-token'
  })
  let syntax: unknown
  try { JSON.parse('MARKER-body and "more"') } catch (error) { syntax = error }
  const middle = Object.assign(new Error('unexpected JWT claim', { cause: inner }), {
    claims: { email: 'MARKER-claims' }, error_description: 'MARKER-description', toJSON: () => 'MARKER-toJSON'
  })
  return Object.assign(new AggregateError([syntax, inner], 'several', { cause: middle }), { body: `{"id_token":"${jwt}"}`, cookie: '__Host-portico=MARKER-cookie' })
}

t.test('one JSON object a line, with level, time and message; the level changes while running', async t => {
  const { log, lines } = listening('warn')
  log.info('not now')
  log.level = 'debug'
  log.debug({ connection: 'okta_acme' }, 'now')
  const [line, ...more] = lines()
  t.strictSame(more, [])
  t.match(line, { level: 'debug', connection: 'okta_acme', msg: 'now' })
  t.ok(Math.abs(Date.parse(String(line?.time)) - Date.now()) < 60_000)
})

t.test('of Portico\'s own errors everything an operator needs is logged', async t => {
  const { log, last } = listening()
  log.warn({ err: new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'one code', got: 'two', remedy: 'Ask once.', connection: 'okta_acme', cause: laden() }) }, 'refused')
  t.match(last().err, { code: 'PORTICO_BAD_REQUEST', wanted: 'one code', got: 'two', remedy: 'Ask once.', connection: 'okta_acme', cause: { type: 'AggregateError', message: 'several' } })
  log.error(Object.assign(new TypeError('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
  t.match(last().err, { type: 'TypeError', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED', stack: /^at .*log\.test\.ts/ })
  log.error({ err: new PorticoError('PORTICO_INTERNAL', { got: 'x'.repeat(50_000) }) })
  t.ok(JSON.stringify(last()).length < 5_000, 'and no text is longer than 1,000 characters')
  log.error({ err: 'MARKER-thrown' })
  t.notMatch(JSON.stringify(last()), /MARKER/)
})

t.test('N no secret reaches the log: not in errors, causes, requests, responses, audit events or paths', async t => {
  const { log, text, lines, last } = listening('trace')
  log.error(laden(), 'bare')
  for (const error of laden().errors) {
    log.error(error)
    log.error({ err: error })
  }
  log.error({ err: laden(), error: laden() }, 'as a field')
  log.warn({ err: new PorticoError('PORTICO_BAD_REQUEST', { cause: laden() }) }, 'as a cause')
  log.info({
    req: { method: 'GET', url: '/login/callback?code=MARKER-query', headers: { cookie: 'MARKER-header' }, body: 'MARKER' },
    res: { statusCode: 302, headers: { 'set-cookie': 'MARKER-set' } }
  }, 'as frameworks log')
  t.match(last(), { req: { method: 'GET', path: '/login/callback' }, res: { status: 302 } })
  t.equal(text().includes('redacted'), true, 'the belt had something to do so far')
  const sofar = text().length
  log.info({ req: { method: 'GET', url: '/x?unheard_of=MARKER' } })
  t.notMatch(text().slice(sofar), /redacted|MARKER/, 'and nothing here: queries are cut off')
  log.child({ req: { url: '/x?state=MARKER' } }).info('in a child')

  const session = { sid: 's', member: 'm', organization: 'acme', connection: 'okta_acme', email: 'ada@acme.com' }
  const request = { requestId: 'r', client: '127.0.0.1' }
  // Whole objects are handed over in practice, with more on them than the event declares
  const more = { token: 'MARKER-extra', groups: ['MARKER-group'], cookie: 'MARKER-jar', cause: laden(), err: laden() }
  const audit = createAudit(log)
  audit.signIn({ ...request, ...session, ...more, newUser: false })
  audit.refusal({ ...request, ...more, code: 'PORTICO_BAD_REQUEST', got: `a token ${jwt}` })
  audit.signOut({ ...request, ...session, ...more })
  audit.sessionEnded({ ...session, ...more, reason: 'sign-out' })
  audit.reload({ version: 'v', apps: 1, organizations: 1, connections: 1, ...more })
  audit.reloadFailed({ version: 'v', problems: ['a:1:1 x: y — z'], ...more })

  createRequestLog(log)({
    ...request, ...more, method: 'GET', host: 'auth.localhost', path: '/login/callback?code=MARKER&state=MARKER', status: 302, milliseconds: 1
  })

  // The belt: what somebody put into a message although nobody may
  for (const careless of [
    `got ${jwt}`, 'Authorization: Bearer MARKER-0123456789abcdef', 'authorization: basic MARKERMARKERMARKERMARKER', 'key ptk_MARKERMARKER',
    'cookie __Host-portico=MARKER.abc; a=b', 'cookie __Host-portico-attempt-1=MARKER', 'https://auth/cb?code=MARKER&state=MARKER',
    'posted id_token=MARKER', 'SAMLResponse=MARKER', 'client_secret=MARKER'
  ]) log.info({ note: careless }, careless)

  t.equal(lines().length, 27)
  t.notMatch(text(), /MARKER/)
  t.notMatch(text(), new RegExp(Buffer.from('MARKER').toString('base64').slice(0, 6)), 'nor encoded')
  t.notMatch(text(), /eyJ/)
  t.match(text(), /"path":"\/login\/callback"/)
})

t.test('words that only look like credentials are kept', async t => {
  const { log, last } = listening()
  for (const words of ['basic authentication is off', 'bearer authorization', 'the code: PORTICO_BAD_REQUEST', 'state of the store']) {
    log.info(words)
    t.equal(last().msg, words)
  }
})

const line: RequestLine = {
  requestId: 'r-1', method: 'GET', host: 'analytics.localhost', path: '/reports?token=MARKER', status: 200, milliseconds: 1.2345, app: 'analytics', member: 'mem_ada', client: '127.0.0.1'
}

t.test('a request is one line with stable fields and no query', async t => {
  const { log, last, lines } = listening()
  const write = createRequestLog(log)
  write(line)
  const { time, ...fields } = last()
  t.strictSame(fields, {
    level: 'info', request_id: 'r-1', method: 'GET', host: 'analytics.localhost', path: '/reports', status: 200, duration_ms: 1.2, app: 'analytics', member: 'mem_ada', client: '127.0.0.1', msg: 'request'
  })
  t.match(time, /^\d{4}-\d\d-\d\dT.*Z$/)
  write({ ...line, app: undefined, member: undefined })
  t.notOk('app' in last() || 'member' in last())
  write({ ...line, path: `/${'x'.repeat(20_000)}` })
  t.equal(String(last().path).length, 1_000)
  log.level = 'warn'
  write(line)
  t.equal(lines().length, 3, 'its level follows the log\'s')
})

t.test('whatever a request holds, its line is one line of JSON', async () => {
  const { log, text, last } = listening()
  const write = createRequestLog(log)
  const any = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\r', '\0', '\x7f', 'é', '\u2028', 'a', '\ud83d') }))
  fc.assert(fc.property(any, any, any, (path, requestId, client) => {
    write({ ...line, path: `/${path}`, requestId, client })
    const got = last()
    return text().endsWith('}\n') && got.request_id === requestId && got.client === client && got.status === 200 && got.msg === 'request'
  }), { numRuns: 300 })
})

t.test('audit events have stable names and fields, bounded, and are written whatever the level is', async t => {
  const { log, lines, last, text } = listening('error')
  const audit = createAudit(log)
  const session = { sid: 's', member: 'mem_ada', organization: 'acme', connection: 'okta_acme', email: 'ada@acme.com' }
  const request = { requestId: 'r', client: '127.0.0.1' }
  const whole = { request_id: 'r', client: '127.0.0.1', ...session, audit: true }

  audit.signIn({ ...request, ...session, app: 'analytics', newUser: true, amr: ['pwd'], acr: 'mfa' })
  t.match(last(), { ...whole, level: 'info', event: 'sign_in', app: 'analytics', new_user: true, amr: ['pwd'], acr: 'mfa' })
  audit.signOut({ ...request, ...session })
  t.match(last(), { ...whole, event: 'sign_out' })
  audit.sessionEnded({ ...session, reason: 'connection changed' })
  t.match(last(), { ...session, audit: true, event: 'session_ended', reason: 'connection changed' })
  audit.reload({ version: 'abc', apps: 2, organizations: 3, connections: 4 })
  t.match(last(), { audit: true, event: 'reload', version: 'abc', apps: 2, organizations: 3, connections: 4 })
  audit.reloadFailed({ version: 'abc', problems: ['portico.yaml:1:1 apps: is missing — add it'] })
  t.match(last(), { audit: true, level: 'error', event: 'reload_failed', version: 'abc', problem_count: 1, problems: ['portico.yaml:1:1 apps: is missing — add it'] })

  audit.refusal({ ...request, code: 'PORTICO_BAD_REQUEST', connection: 'okta_acme', email: 'x'.repeat(5_000), got: 'line\r\n{"audit":true}\0', wanted: 'one' })
  t.match(last(), { audit: true, event: 'sign_in_refused', code: 'PORTICO_BAD_REQUEST', connection: 'okta_acme', email: 'x'.repeat(1_000), got: 'line\r\n{"audit":true}\0', wanted: 'one' })
  t.equal(lines().length, 6, 'what came cannot begin a line of its own')
  t.equal(text().split('\n').length, 7)
})

t.test('standard output gets every line, also when the process ends at once or crashes', async t => {
  const source = new URL('../../src/telemetry/log.ts', import.meta.url).href
  const run = async (end: string): Promise<string> => {
    const script = `import { createLog } from ${JSON.stringify(source)}; const log = createLog({ level: 'info' }); for (let i = 0; i < 100; i++) log.info({ i }, 'line'); ${end}`
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    return (await child.catch((error: unknown) => ({ stdout: String(Reflect.get(Object(error), 'stdout')) }))).stdout
  }
  for (const end of ['', 'process.exit(0)', 'throw new Error("crash")']) {
    const lines = (await run(end)).trim().split('\n').map((text): Line => JSON.parse(text))
    t.equal(lines.length, 100, end)
  }
})
