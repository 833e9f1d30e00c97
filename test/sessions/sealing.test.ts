import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { mintMemberId } from '../../src/access/members.ts'
import { createCache } from '../../src/sessions/cache.ts'
import { clearCookie, cookiesWithPrefix, cookieValues, isOwnCookieName, setCookie, withoutOwnCookies } from '../../src/sessions/cookie.ts'
import { deriveKeys } from '../../src/sessions/keyring.ts'
import { createSealer, type Purpose } from '../../src/sessions/seal.ts'
import { newSid } from '../../src/sessions/session.ts'

const purposes: readonly Purpose[] = ['session', 'attempt', 'begin', 'request', 'state', 'ticket', 'handle', 'email', 'farewell', 'identity', 'awaited', 'tokens']
const keys = [randomBytes(32), randomBytes(32)]
const sealer = await createSealer(keys)

t.test('what is sealed comes back as it was, in an alphabet that needs no escaping anywhere', async t => {
  const data = { a: 1, nested: { list: ['x', 'é😀', '\ud800'] }, purpose: 'state', changed: true, deleted: true, __ts: 1, data: {} }
  for (const purpose of purposes) {
    const sealed = sealer.seal(purpose, data)
    t.match(sealed, /^[A-Za-z0-9_.-]+$/)
    t.same(sealer.open(purpose, sealed), data, purpose)
    t.not(sealer.seal(purpose, data), sealed, 'never the same twice')
  }
  t.same(sealer.open('session', sealer.seal('session', {})), {})
})

t.test('E6 V4 F9 what one purpose sealed no other opens, and each has keys of its own', async t => {
  for (const from of purposes) {
    const sealed = sealer.seal(from, { sid: 'x' })
    for (const to of purposes) t.equal(sealer.open(to, sealed) !== undefined, from === to, `${from} as ${to}`)
  }
  const derived = purposes.flatMap(purpose => deriveKeys(keys, purpose)).map(key => key.toString('hex'))
  t.equal(new Set(derived).size, purposes.length * keys.length)
  t.ok(derived.every(key => key.length === 64))
  t.notOk(derived.includes(keys[0]?.toString('hex') ?? ''))
  t.same(deriveKeys(keys, 'x'), deriveKeys(keys, 'x'), 'the same after a restart')
  t.equal(deriveKeys(keys, 'x', 48)[0]?.length, 48)
})

t.test('E2 no altered byte is accepted', async t => {
  const accepted: string[] = []
  // every length of the last base64 quantum, whose unused bits decode to nothing
  for (const sid of ['', 'x', 'xx', 'xxx']) {
    const sealed = sealer.seal('session', { sid })
    for (let at = 0; at < sealed.length; at++) {
      for (const byte of ['A', 'B', 'C', 'D', 'Q', 'g', 'w', '_', '-', '.', '+', '/', '=', ';', ' ', '\0', 'é', sealed[at] === 'z' ? 'y' : 'z']) {
        if (byte === sealed[at]) continue
        if (sealer.open('session', sealed.slice(0, at) + byte + sealed.slice(at + 1)) !== undefined) accepted.push(`${at} ${byte}`)
      }
    }
    t.ok(sealer.open('session', sealed))
  }
  t.same(accepted, [])
})

t.test('E3 truncated, extended, re-encoded', async t => {
  const sealed = sealer.seal('session', { sid: 'x' })
  const parts = Array.from({ length: sealed.length }, (_, at) => [sealed.slice(0, at), sealed.slice(at + 1)]).flat()
  t.same(parts.filter(part => sealer.open('session', part) !== undefined), [])
  for (const other of [`${sealed}=`, `${sealed}A`, ` ${sealed}`, `${sealed} `, `"${sealed}"`, sealed.replace('.', ';'), sealed.replace('.', '..'), sealed + sealed, sealed.replace('.', '=.')]) {
    t.equal(sealer.open('session', other), undefined, other)
  }
})

t.test('E4 E5 another key is refused; the previous one opens until it is retired', async t => {
  const [newest = Buffer.alloc(0), oldest = Buffer.alloc(0)] = keys
  const before = await createSealer([oldest])
  const sealed = before.seal('session', { sid: 'x' })
  t.same(sealer.open('session', sealed), { sid: 'x' })
  t.equal(before.open('session', sealer.seal('session', {})), undefined, 'the first key seals')
  const after = await createSealer([newest])
  t.equal(after.open('session', sealed), undefined)
  t.equal((await createSealer([randomBytes(32)])).open('session', sealed), undefined)
  await t.rejects(createSealer([]))
})

t.test('E9 E11 what is too long is refused before it is decrypted', async t => {
  const fits = sealer.seal('session', { pad: 'x'.repeat(6_000) })
  t.ok(fits.length < 8_192)
  t.ok(sealer.open('session', fits))
  const long = sealer.seal('session', { pad: 'x'.repeat(6_200) })
  t.ok(long.length > 8_192)
  t.equal(sealer.open('session', long), undefined, 'authentic, and refused all the same')
  t.ok(sealer.open('identity', sealer.seal('identity', { pad: 'x'.repeat(100_000) })), 'the store may keep more than a cookie')
})

t.test('V23 nothing that is opened ever throws', async () => {
  const sealed = sealer.seal('session', { sid: 'x' })
  fc.assert(fc.property(fc.constantFrom(...purposes), fc.string({ unit: 'binary', maxLength: 300 }), (purpose, text) =>
    sealer.open(purpose, text) === undefined), { numRuns: 500 })
  fc.assert(fc.property(fc.nat(sealed.length), fc.nat(20), fc.string({ maxLength: 20 }), (at, cut, text) => {
    const mutated = sealed.slice(0, at) + text + sealed.slice(at + cut)
    return mutated === sealed || sealer.open('session', mutated) === undefined
  }), { numRuns: 2_000 })
})

t.test('E1 the flags of every cookie', async t => {
  const line = setCookie('__Host-portico', 'abc_-.', 3600.7)
  const [pair, ...attributes] = line.split('; ')
  t.equal(pair, '__Host-portico=abc_-.')
  t.same(new Set(attributes), new Set(['Max-Age=3600', 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']), 'and no Domain')
  t.match(setCookie('x', 'y', -5), /Max-Age=0/)
  t.same(new Set(clearCookie('__Host-portico').split('; ')), new Set(['__Host-portico=', 'Max-Age=0', 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']))
})

t.test('E9 N10 every value of a name is found, whatever stands beside it', async t => {
  const name = '__Host-portico'
  const cases: [string, string[]][] = [
    ['', []],
    ['__Host-portico=a', ['a']],
    ['__Host-portico=', ['']],
    ['__Host-portico=a; __Host-portico=b;__Host-portico=c', ['a', 'b', 'c']],
    [' \t__Host-portico=a \t; x=y', ['a']],
    ['x=__Host-portico=a', []],
    ['x=y __Host-portico=a', []],
    ['x__Host-portico=a', []],
    ['__Host-portico-email=a; __Host-portico2=b', []],
    ['__host-portico=a', []],
    ['__Host-portico =a', []],
    ['__Host-portico', []],
    ['__Host-portico;', []],
    ['__Host-portico="a; b"; x="__Host-portico=c"', ['"a']],
    ['x="1; __Host-portico=a; y=2"', ['a']],
    ['__Host-portico=a=b==', ['a=b==']],
    ['\u00ff\u00fe=\u00ff; __Host-portico=\u00e9', ['\u00e9']],
    [`x=${'y'.repeat(8_000)}; __Host-portico=a`, ['a']],
    [';;; ;=;__Host-portico=a;;', ['a']]
  ]
  for (const [header, values] of cases) t.same(cookieValues(header, name), values, header.slice(0, 60))
  t.same(cookieValues(undefined, name), [])
  const prefixed = '__Host-portico-attempt-1=a; x=y; __Host-portico-attempt-2 = b ; __Host-portico-attempt-3; __Host-portico=z'
  t.same(cookiesWithPrefix(prefixed, '__Host-portico-attempt-'), [
    { name: '__Host-portico-attempt-1', value: 'a' }, { name: '__Host-portico-attempt-2', value: 'b' }
  ])
  t.same(cookiesWithPrefix(undefined, 'x'), [])
})

t.test('C10 an app sees every cookie but Portico\'s, byte for byte and in order', async t => {
  const cases: [string, string | undefined][] = [
    ['a=1; b=2', 'a=1; b=2'],
    ['__Host-portico=x', undefined],
    ['__Host-portico=x; ', undefined],
    ['__Host-portico=x; a=1', 'a=1'],
    ['a=1; __Host-portico=x; b=2', 'a=1; b=2'],
    ['a=1;__Host-portico=x;b=2', 'a=1;b=2'],
    ['a=1; b=2; __Host-portico-attempt-1=x', 'a=1; b=2'],
    ['a="1; __Host-portico=x; b=2"', 'a="1; b=2"'],
    ['z=\u00e9; __HOST-PORTICO=x; __secure-portico=y; portico=z; Portico-email=w; a=%zz; nothing; =v', 'z=\u00e9; a=%zz; nothing; =v'],
    ['portico_theme=dark; porticos=2; xportico=1', 'portico_theme=dark; porticos=2; xportico=1'],
    ['\t__Host-portico\t=x;a=1', 'a=1'],
    ['', '']
  ]
  for (const [header, rest] of cases) t.equal(withoutOwnCookies(header), rest, header)
  t.ok(isOwnCookieName('__Host-portico-begin-abc'))
  t.notOk(isOwnCookieName('session'))
  const part = fc.oneof(fc.stringMatching(/^[ -:<-~]{0,12}$/), fc.constantFrom('__Host-portico=x', ' portico=', '\t__SECURE-portico-1', ' ', '', '\u00a0portico=x'))
  fc.assert(fc.property(fc.array(part), parts => {
    const others = parts.filter(part => !isOwnCookieName((part.split('=', 1)[0] ?? '').trim()))
    const isEmpty = others.length < parts.length && others.every(part => part.trim() === '')
    const isCut = others.length > 0 && others[0] !== parts[0]
    const rest = withoutOwnCookies(parts.join(';'))
    return rest === (isEmpty ? undefined : isCut ? others.join(';').trimStart() : others.join(';'))
  }), { numRuns: 2_000 })
})

t.test('ids are unguessable and never repeat', async t => {
  t.match(mintMemberId(), /^mbr_[A-Za-z0-9_-]{22}$/)
  t.match(newSid(), /^[A-Za-z0-9_-]{24}$/)
  t.equal(new Set(Array.from({ length: 1_000 }, newSid)).size, 1_000)
})

t.test('the cache keeps what is used and is never over its limit', async t => {
  const cache = createCache<{ at: number }>(100)
  for (let at = 0; at < 1_000; at++) {
    cache.set(`k${at}`, { at }, 5)
    t.same(cache.get('k0'), { at: 0 }, 'asked for each time')
  }
  let kept = 0
  for (let at = 0; at < 1_000; at++) if (cache.get(`k${at}`) !== undefined) kept++
  t.ok(kept <= 20, `${kept} kept`)
  cache.set('huge', { at: -1 }, 1_000)
  t.same(cache.get('huge'), { at: -1 })
  cache.clear()
  t.equal(cache.get('k0'), undefined)
})
