import fc from 'fast-check'
import t from 'tap'
import { PorticoError } from '../../src/errors.ts'
import { readFields } from '../../src/hosts/form-fields.ts'
import { startGateway } from '../support/gateway.ts'
import { ask, bodyOf, statusOf } from '../proxy/harness.ts'

const host = 'Host: auth.localhost:8080'

t.test('the auth host', async t => {
  const { port } = await startGateway(t)
  const codeOf = (answer: string): unknown => JSON.parse(bodyOf(answer)).code

  await t.test('V23 any method with any body has a code, and none is a 500', async t => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'MKCOL', 'POST']) {
      for (const type of ['Content-Type: application/json', 'Content-Type: ,,;;', 'X-Nothing: 1']) {
        const answer = await ask(port, `${method} /login`, [host, type, 'Content-Length: 5', 'Connection: close'], '{"a":')
        t.equal(statusOf(answer), 405, `${method} ${type}`)
        t.equal(codeOf(answer), 'PORTICO_METHOD_NOT_ALLOWED')
        t.match(answer, /\r\nallow: GET, HEAD\r\n/i)
      }
    }
  })

  await t.test('B13 V46 targets that are not plain paths', async t => {
    for (const target of ['http://auth.localhost:8080/login', 'http://other.example/login', '/login#x', '*']) {
      t.match(statusOf(await ask(port, `GET ${target}`, [host, 'Connection: close'])), /^40[04]$/, target)
    }
  })

  await t.test('forms that are none', async t => {
    const post = (headers: readonly string[], body = 'x') => ask(port, 'POST /logout', [host, 'Connection: close', 'Origin: http://auth.localhost:8080', `Content-Length: ${body.length}`, ...headers], body)
    t.equal(codeOf(await post(['Content-Type: application/json'])), 'PORTICO_MEDIA_TYPE')
    t.equal(codeOf(await post([])), 'PORTICO_MEDIA_TYPE')
    t.equal(codeOf(await post(['Content-Type: application/x-www-form-urlencoded'], 'x'.repeat(100_000))), 'PORTICO_BODY_TOO_LARGE')
  })

  await t.test('HEAD is GET without the body', async t => {
    const answer = await ask(port, 'HEAD /login?email=', [host, 'Connection: close'])
    t.equal(statusOf(answer), 200)
    t.equal(bodyOf(answer), '')
  })

  await t.test('A12 V35 pages are kept nowhere, framed nowhere, and run nothing', async t => {
    for (const path of ['/login?email=', '/login?email=x@nowhere.example', '/nowhere', '/logout/done', '/login/nowhere/callback']) {
      const answer = await ask(port, `GET ${path}`, [host, 'Accept: text/html', 'Connection: close'])
      t.match(answer, /\r\ncache-control: no-store\r\n/i, path)
      t.match(answer, /\r\ncontent-security-policy: default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; frame-ancestors 'none'\r\n/i, path)
      t.match(answer, /\r\nx-content-type-options: nosniff\r\n/i, path)
      t.notMatch(bodyOf(answer), /<script|style="|onload/i, path)
    }
  })
})

t.test('S12 forms are read as browsers write them, whatever stands in them', t => {
  const part = fc.constantFrom('%', '&', '=', '+', 'a', 'SAMLResponse', '%41', '%c3%A9', '%ff', '%E', '%f0%9f%98%80', '%00', '%%', '%4g', ' ', '"', ';')
  fc.assert(fc.property(fc.array(part, { maxLength: 40 }), parts => {
    const text = parts.join('')
    t.same([...readFields(Buffer.from(text))], [...new URLSearchParams(text)], JSON.stringify(text))
  }))
  t.same([...readFields(Buffer.from(''))], [])
  t.same([...readFields(Buffer.from('é=ü'))], [['é', 'ü']])
  t.equal(readFields(Buffer.from('a='.padEnd(300_000, '+'))).get('a')?.length, 299_998)
  for (const flood of ['a&', '&', 'a=b&']) t.throws(() => readFields(Buffer.from(flood.repeat(101))), new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'at most 100 fields in a form', got: 'more' }), flood)
  t.end()
})
