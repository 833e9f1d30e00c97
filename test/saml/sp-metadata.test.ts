import { spawnSync } from 'node:child_process'
import { X509Certificate, constants, createPrivateKey, privateDecrypt, publicEncrypt, sign, verify } from 'node:crypto'
import t from 'tap'
import type { Configuration } from '../../src/config/configuration.ts'
import { createSpKeys } from '../../src/connections/saml/sp-keys.ts'
import { configurationOf } from '../support/configuration.ts'

const ringOf = (...bytes: readonly number[]): Configuration => configurationOf({ keys: bytes.map(byte => Buffer.alloc(32, byte)) })

t.test('our keys are the same wherever they are derived, and for ever', async t => {
  const configuration = ringOf(7, 8)
  const [first, second, ...others] = await createSpKeys(() => configuration).all()
  if (first === undefined || second === undefined) throw new Error('no keys')
  t.same(others, [])
  // Providers have these certificates: a change of any byte locks everybody out
  t.equal(new X509Certificate(first.certificate).fingerprint256, 'D9:9D:6C:43:D0:D9:04:A3:4A:46:5E:8D:3E:79:F9:CC:CA:46:FF:85:54:58:B4:36:03:CC:A0:1E:56:35:A2:23')
  t.equal(new X509Certificate(second.certificate).fingerprint256, '95:DE:0E:75:A2:19:34:FF:95:91:6D:2C:9D:E3:7E:2B:2D:59:A1:7A:46:19:AA:21:FE:15:85:4D:E8:5F:4B:AB')
  t.same(await createSpKeys(() => ringOf(8, 7)).all(), [second, first], 'in the order of keys:, on another instance')
})

t.test('a key that is published ahead and moved to the front stays the key that it was, and is made once', async t => {
  let configuration = ringOf(1)
  const keys = createSpKeys(() => configuration)
  const [one] = await keys.all()
  configuration = ringOf(1, 2)
  const [still, next] = await keys.all()
  t.equal(still, one)
  configuration = ringOf(2, 1)
  const turned = await keys.all()
  t.equal(turned[0], next)
  t.equal(turned[1], one)
  configuration = ringOf(2)
  t.same(await keys.all(), [next])
  t.not(new X509Certificate(one?.certificate ?? '').fingerprint256, new X509Certificate(next?.certificate ?? '').fingerprint256)
})

t.test('a key is RSA-2048 and works, and its certificate carries it, for Node and for OpenSSL', async t => {
  const [made] = await createSpKeys(() => ringOf(7)).all()
  if (made === undefined) throw new Error('no key')
  const key = createPrivateKey(made.privateKey)
  const certificate = new X509Certificate(made.certificate)
  t.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2_048)
  t.ok(certificate.checkPrivateKey(key))
  t.ok(certificate.verify(certificate.publicKey), 'self-signed')
  t.ok(certificate.checkIssued(certificate))
  t.equal(certificate.subject, 'CN=Portico SAML')
  t.equal(certificate.ca, false)
  t.same([certificate.validFromDate, certificate.validToDate], [new Date('2025-01-01T00:00:00Z'), new Date('2055-01-01T00:00:00Z')])
  t.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/)
  const message = Buffer.from('an AuthnRequest')
  t.ok(verify('sha256', message, certificate.publicKey, sign('sha256', message, key)))
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  t.same(privateDecrypt({ key, ...oaep }, publicEncrypt({ key: certificate.publicKey, ...oaep }, message)), message)

  const folder = t.testdir({ 'sp.pem': made.certificate, 'sp.key': made.privateKey })
  const openssl = (...args: readonly string[]) => spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  await t.test('OpenSSL', { skip: openssl('version').error === undefined ? false : 'no openssl here' }, async t => {
    t.match(openssl('verify', '-check_ss_sig', '-x509_strict', '-CAfile', 'sp.pem', 'sp.pem'), { status: 0, stdout: /OK/ })
    t.match(openssl('rsa', '-in', 'sp.key', '-check', '-noout'), { status: 0, stdout: /RSA key ok/ })
  })
})
