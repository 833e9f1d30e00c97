import { compactVerify, CompactSign, createLocalJWKSet, exportJWK, generateKeyPair, type JWK } from 'jose'
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import t from 'tap'
import { acceptedAlgorithms } from '../../src/connections/oidc/algorithms.ts'
import { isSignedBy, suits } from '../../src/connections/oidc/jws.ts'
import { createKeys } from '../../src/connections/oidc/keys.ts'
import { signature } from '../../src/connections/oidc/signature.ts'

const issuer = 'https://idp.example'
const algorithms = [...acceptedAlgorithms]

const keysOf = (keys: readonly JWK[]) => createKeys(`${issuer}/jwks`, {
  reach: { issuerHost: 'idp.example', allowHttp: false },
  outbound: { fetch: async () => ({ status: 200, headers: {}, text: JSON.stringify({ keys }) }), close: async () => {} },
  now: () => 0,
  good: () => {},
  failed: () => {}
})

const codeOf = async (token: string, keys: readonly JWK[]): Promise<string> => {
  const { passed, code } = await signature(token, { keys: keysOf(keys), issuer, algorithms })
  return passed ? 'good' : code
}

/** What jose thinks of it. */
const judgement = async (token: string, keys: JWK[]): Promise<boolean> =>
  await compactVerify(token, createLocalJWKSet({ keys }), { algorithms }).then(() => true, () => false)

const pair = async (alg: string): Promise<{ readonly jwk: JWK, sign (payload: string, kid?: string): Promise<string> }> => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    jwk: { ...await exportJWK(publicKey), kid: alg },
    sign: async (payload, kid = alg) => await new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg, kid }).sign(privateKey)
  }
}

const pairs = new Map(await Promise.all(algorithms.map(async alg => [alg, await pair(alg)] as const)))

t.test('O1 O2 a signature by each accepted algorithm is believed, and no other octet, key or algorithm in its place: as jose judges', async t => {
  for (const [alg, { jwk, sign }] of pairs) {
    const token = await sign('{"sub":"ada"}')
    t.equal(await codeOf(token, [jwk]), 'good', alg)
    const [head = '', payload = '', text = ''] = token.split('.')
    const bytes = Buffer.from(text, 'base64url')
    const flipped = (at: number): string => Buffer.from(bytes.map((byte, index) => index === at ? byte ^ 1 : byte)).toString('base64url')
    const rehead = (header: object): string => Buffer.from(JSON.stringify(header)).toString('base64url')
    const others = [
      ...[0, 1, bytes.length >> 1, bytes.length - 1].map(at => `${head}.${payload}.${flipped(at)}`),
      `${head}.${Buffer.from('{"sub":"eve"}').toString('base64url')}.${text}`,
      `${head}.${payload}.`,
      `${head}.${payload}.AAAA`,
      `${head}.${payload}.${bytes.subarray(1).toString('base64url')}`,
      `${head}.${payload}.${Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url')}`,
      `${head}.${payload}.${Buffer.alloc(bytes.length).toString('base64url')}`,
      `${head}.${payload}.${text}!`,
      `${rehead({ kid: alg, alg })}.${payload}.${text}`,
      ...algorithms.filter(other => other !== alg && [other, alg].some(name => !/^Ed/.test(name))).map(other => `${rehead({ alg: other, kid: alg })}.${payload}.${text}`)
    ]
    for (const other of others) {
      t.not(await codeOf(other, [jwk]), 'good', `${alg}: ${other.slice(0, 60)}`)
      // a PSS signature without the zero in front, if there is one, is taken there
      if (bytes[0] !== 0) t.notOk(await judgement(other, [jwk]))
    }
  }
})

t.test('O1 RFC 8017 §8.1.2 an RSA signature is as long as its key: the zeros in front belong to it', async t => {
  const { jwk, sign } = await pair('PS256')
  for (;;) {
    const token = await sign('{}')
    const bytes = Buffer.from(token.split('.')[2] ?? '', 'base64url')
    if (bytes[0] !== 0) continue
    t.equal(await codeOf(token, [jwk]), 'good')
    t.equal(await codeOf(token.replace(/[^.]+$/, bytes.subarray(1).toString('base64url')), [jwk]), 'PORTICO_ID_TOKEN_SIGNATURE')
    break
  }
})

t.test('O1 the bits at the end of a signature that say nothing are zero: one token has one spelling', async t => {
  const { jwk, sign } = await pair('RS256')
  const token = await sign('{}')
  // 256 bytes leave four bits of their last character
  const other = token.slice(0, -1) + { A: 'B', Q: 'R', g: 'h', w: 'x' }[token.slice(-1)]
  t.same(Buffer.from(other.split('.')[2] ?? '', 'base64url'), Buffer.from(token.split('.')[2] ?? '', 'base64url'))
  t.equal(await codeOf(token, [jwk]), 'good')
  t.equal(await codeOf(other, [jwk]), 'PORTICO_ID_TOKEN_SIGNATURE')
})

t.test('O1 G4 the key is the one that the header names, of the right kind, for this use, and long enough', async t => {
  const rsa = await pair('RS256')
  const ec = await pair('ES256')
  const token = await rsa.sign('{}')
  t.equal(await codeOf(token, [ec.jwk, rsa.jwk]), 'good')
  t.equal(await codeOf(await rsa.sign('{}', 'another'), [ec.jwk, rsa.jwk]), 'PORTICO_ID_TOKEN_KEY')
  for (const changed of [{ use: 'enc' }, { alg: 'RS512' }, { key_ops: ['encrypt'] }, { kid: 'another' }, { issuer: 'https://other.example' }]) {
    t.equal(await codeOf(token, [{ ...rsa.jwk, ...changed }]), 'PORTICO_ID_TOKEN_KEY', JSON.stringify(changed))
  }
  t.equal(await codeOf(token, [{ ...ec.jwk, kid: 'RS256' }]), 'PORTICO_ID_TOKEN_KEY')
  t.equal(await codeOf(token, [rsa.jwk, rsa.jwk]), 'PORTICO_ID_TOKEN_KEY', 'not exactly one')
  for (const kid of [1, null, ['RS256']]) {
    const head = Buffer.from(JSON.stringify({ alg: 'RS256', kid })).toString('base64url')
    t.equal(await codeOf(token.replace(/^[^.]+/, head), [rsa.jwk]), 'PORTICO_ID_TOKEN_KEY', JSON.stringify(kid))
  }

  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 })
  const short: JWK = { ...publicKey.export({ format: 'jwk' }), kid: 'short' }
  const input = `${Buffer.from('{"alg":"RS256","kid":"short"}').toString('base64url')}.e30`
  const weak = `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  t.ok(isSignedBy(weak, publicKey, 'RS256'))
  t.equal(await codeOf(weak, [short]), 'PORTICO_ID_TOKEN_KEY', 'RFC 7518 §3.3: 2048 bits')

  // whoever sends a token decides that it is verified, and the provider what that costs
  const costly = [{ n: Buffer.alloc(2_048, 0xff) }, { n: Buffer.alloc(384, 0xff), e: Buffer.alloc(380, 0xff) }, { e: Buffer.from([1, 0, 0, 0, 1]) }]
  for (const { n = Buffer.alloc(256, 0xff), e = Buffer.from([1, 0, 1]) } of costly) {
    t.notOk(suits(createPublicKey({ key: { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') }, format: 'jwk' }), 'RS256'), `${n.length} bytes, exponent of ${e.length}`)
  }
})

t.test('O2 no key suits an algorithm of another kind or curve, or none that is accepted', t => {
  for (const [alg, { jwk }] of pairs) {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const suited = ['none', 'HS256', 'ES256K', ...algorithms].filter(name => suits(key, name))
    const kin = /^[RP]S/.test(alg) ? algorithms.filter(name => /^[RP]S/.test(name)) : /^Ed/.test(alg) ? ['EdDSA', 'Ed25519'] : [alg]
    t.same(suited, kin, alg)
    t.notOk(isSignedBy('e30.e30.', key, 'none'))
  }
  t.end()
})
