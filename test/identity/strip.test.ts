import fc from 'fast-check'
import t from 'tap'
import { dialectOf } from '../../src/identity/dialects.ts'
import { personOf } from '../../src/identity/person.ts'
import { isIdentityHeader } from '../../src/identity/strip.ts'
import { configuration, place, session } from './configuration.ts'

/** Table 7.10 and sections 7.1 to 7.9 of the survey of other gateways, name by name. */
const claimed = [
  'X-Auth-User', 'X-Auth-Email', 'X-Auth-Name', 'X-Auth-Groups', 'X-Auth-Groups-Omitted', 'X-Auth-Organization', 'X-Auth-Connection',
  'X-Auth-Role', 'X-Auth-New-User', 'X-Auth-Member', 'X-Auth-Assertion', 'X-Auth-Whatever-Comes',
  'X-Pomerium-Jwt-Assertion', 'X-Pomerium-Jwt-Assertion-For', 'X-Pomerium-Claim-Email', 'X-Pomerium-Claim-Anything', 'X-Pomerium-Authorization',
  'Cf-Access-Jwt-Assertion', 'Cf-Access-Authenticated-User-Email',
  'X-Goog-IAP-JWT-Assertion', 'X-Goog-Authenticated-User-Email', 'X-Goog-Authenticated-User-Id',
  'x-amzn-oidc-data', 'x-amzn-oidc-identity', 'x-amzn-oidc-accesstoken', 'x-amzn-ava-user-context',
  'X-authentik-username', 'X-authentik-groups', 'X-authentik-entitlements', 'X-authentik-email', 'X-authentik-name', 'X-authentik-uid',
  'X-authentik-jwt', 'X-authentik-meta-jwks', 'X-authentik-meta-outpost', 'X-authentik-meta-provider', 'X-authentik-meta-app', 'X-authentik-meta-version',
  'Remote-User', 'Remote-Groups', 'Remote-Name', 'Remote-Email', 'X-Authelia-URL',
  'X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Groups', 'X-Forwarded-Preferred-Username', 'X-Forwarded-Preferred-User', 'X-Forwarded-Access-Token',
  'X-Auth-Request-User', 'X-Auth-Request-Email', 'X-Auth-Request-Groups', 'X-Auth-Request-Preferred-Username', 'X-Auth-Request-Access-Token',
  'GAP-Auth', 'GAP-Signature',
  'X-Vouch-User', 'X-Vouch-Token', 'X-Vouch-IdP-Claims-Groups'
]

/** What browsers, proxies and apps send every day, and near misses. */
const innocent = [
  'Host', 'Connection', 'Accept', 'Accept-Encoding', 'Authorization', 'Cookie', 'Content-Type', 'Content-Length', 'Cache-Control', 'CF-Ray', 'CF-Connecting-IP',
  'Referer', 'Range', 'Remote-Addr', 'Remote-Userx', 'Remote', 'Sec-Fetch-Mode', 'User-Agent', 'X-Requested-With', 'X-Request-Id', 'X-CSRF-Token', 'X-Authority',
  'X-Auth', 'XX-Auth-User', 'X-Api-Key', 'X-Amz-Date', 'X-Amzn-Trace-Id', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Userx', 'X-Goog-Api-Key',
  'X-Goog-Authenticated', 'X-Powered-By', 'X-Version', 'Gapless', 'G', 'C', 'R', 'X', 'X-', 'X-F', ''
]

/** Everything that may stand in a header name (RFC 9110 §5.6.2) and is neither letter nor digit. */
const punctuation = [...'!#$%&\'*+-.^_`|~']

const spelt = (name: string, letters: readonly boolean[], marks: readonly string[]): string =>
  [...name].map((character, index) => {
    if (character === '-') return marks[index % marks.length] ?? '-'
    return letters[index % letters.length] === true ? character.toUpperCase() : character.toLowerCase()
  }).join('')

t.test('C1 C3 N7 every preset\'s identity headers are recognised as they are written', async t => {
  for (const name of claimed) t.equal(isIdentityHeader(name), true, name)
})

t.test('C3 N7 V43 V45 … and in every case and with every character that upstreams may take for a hyphen', async t => {
  for (const name of claimed) {
    for (const mark of punctuation) t.equal(isIdentityHeader(name.replaceAll('-', mark)), true, name.replaceAll('-', mark))
    t.equal(isIdentityHeader(name.toLowerCase()), true)
    t.equal(isIdentityHeader(name.toUpperCase()), true)
  }
  t.equal(isIdentityHeader('X-Auth_Request_User'), true)
  t.equal(isIdentityHeader('X_Forwarded_Email'), true)
  t.equal(isIdentityHeader('x.auth.user'), true)
  fc.assert(fc.property(
    fc.constantFrom(...claimed),
    fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
    fc.array(fc.constantFrom(...punctuation), { minLength: 1, maxLength: 40 }),
    (name, letters, marks) => isIdentityHeader(spelt(name, letters, marks))
  ))
})

t.test('headers that name nobody are left alone', async t => {
  for (const name of innocent) t.equal(isIdentityHeader(name), false, name)
})

t.test('the quick look at the first letters never changes the verdict', async () => {
  const thorough = (name: string): boolean =>
    /^(x-(auth|amzn-oidc|amzn-ava|authelia|authentik|goog-authenticated-user|goog-iap|pomerium|vouch)|cf-access|gap)-|^remote-(user|groups|name|email)$|^x-forwarded-(user|email|groups|preferred-user|preferred-username|access-token)$/
      .test(name.toLowerCase().replace(/[^a-z0-9]/g, '-'))
  const token = fc.string({ unit: fc.constantFrom(...'xXcCgGrRaAfFpPvVmM-_.!0uthesro'), maxLength: 12 })
  const near = fc.tuple(fc.constantFrom(...claimed), fc.nat(40), token).map(([name, at, insert]) => name.slice(0, at) + insert + name.slice(at + insert.length))
  fc.assert(fc.property(fc.oneof(token, near), name => isIdentityHeader(name) === thorough(name)), { numRuns: 5_000 })
})

t.test('C1 N7 whatever any dialect sends is among what is stripped', async t => {
  const person = personOf(session({ name: 'Ada', groups: ['a'], newUser: true }), configuration({ defaultRole: 'user' }))
  for (const preset of ['portico', 'oauth2-proxy', 'authelia', 'authentik', 'pomerium', 'google-iap'] as const) {
    const headers = dialectOf(preset)(person, { place: place(preset), authOrigin: 'http://auth.localhost', now: 1, sign: () => 'jwt' })
    for (let i = 0; i < headers.length; i += 2) t.equal(isIdentityHeader(headers[i] ?? ''), true, `${preset}: ${headers[i]}`)
  }
})
