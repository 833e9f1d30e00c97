import fc from 'fast-check'
import { validateHeaderValue } from 'node:http'
import t from 'tap'
import { encodeItem, encodeValue, fitGroups } from '../../src/identity/encode.ts'

/** Text of every kind: ASCII, controls, spaces, accents, emoji, and halves of surrogate pairs. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(' ', '%', ',', '|', ';', '\r', '\n', '\0', '\t', '\x7f', 'é', '日', '💡', '\ud83d', '\udca1', 'a', '"', '\\') })
)

const isSafe = (value: string): boolean => {
  validateHeaderValue('x', value)
  return /^[ -~]*$/.test(value) && value.trim() === value
}

t.test('C8 whatever a claim holds, its header is valid and decodes to it', async () => {
  fc.assert(fc.property(text, claim => {
    const value = encodeValue(claim)
    return isSafe(value) && decodeURIComponent(value) === claim.toWellFormed()
  }), { numRuns: 2_000 })
})

t.test('C8 whatever groups are called, the joined header splits and decodes to them', async () => {
  fc.assert(fc.property(fc.array(text, { maxLength: 20 }), fc.constantFrom<',' | '|'>(',', '|'), (groups, joiner) => {
    const { value, groups: kept, omitted } = fitGroups(groups, joiner)
    const expected = groups.filter(group => group !== '').map(group => group.toWellFormed())
    const decoded = value === '' ? [] : value.split(joiner).map(decodeURIComponent)
    return isSafe(value) && omitted === 0 && JSON.stringify(decoded) === JSON.stringify(expected) && JSON.stringify(kept) === JSON.stringify(expected)
  }), { numRuns: 2_000 })
})

t.test('the encoding is the one of the contract', async t => {
  t.equal(encodeValue('Slavoj Žižek'), 'Slavoj %C5%BDi%C5%BEek')
  t.equal(encodeValue('日本 💡'), '%E6%97%A5%E6%9C%AC %F0%9F%92%A1')
  t.equal(encodeValue('100%'), '100%25')
  t.equal(encodeValue('a, b; c'), 'a, b; c', 'commas stay outside groups')
  t.equal(encodeValue('a\r\nX-Auth-Role: admin\0'), 'a%0D%0AX-Auth-Role: admin%00')
  t.equal(encodeValue('  two at each end  '), '%20%20two at each end%20%20')
  t.equal(encodeValue('\ud83d'), '%EF%BF%BD')
  t.equal(encodeItem('Sales, EMEA', ','), 'Sales%2C EMEA')
  t.equal(encodeItem('Sales, EMEA|x', '|'), 'Sales, EMEA%7Cx')
})

t.test('C8 300 groups arrive; 10 kB of them are cut to 8 kB, in order, and counted', async t => {
  const usual = Array.from({ length: 300 }, (_, i) => `team-${i}-engineering`)
  t.equal(fitGroups(usual).omitted, 0)
  t.strictSame(fitGroups(usual).value.split(','), usual)

  const many = Array.from({ length: 1_000 }, (_, i) => `group-${i}`)
  const cut = fitGroups(many)
  t.ok(cut.value.length <= 8_000 && cut.value.length > 7_980, `${cut.value.length} bytes`)
  t.equal(cut.groups.length + cut.omitted, 1_000)
  t.strictSame(cut.groups, many.slice(0, cut.groups.length))
  t.strictSame(cut.value.split(','), cut.groups)
})

t.test('a group that would exceed the budget is left out, and a shorter one after it still fits', async t => {
  t.match(fitGroups(['a', 'x'.repeat(10_000), 'b']), { value: 'a,b', groups: ['a', 'b'], omitted: 1 })
  t.equal(fitGroups(['x'.repeat(8_000)]).omitted, 0)
  t.equal(fitGroups(['x'.repeat(8_001)]).omitted, 1)
  t.equal(fitGroups(['é'.repeat(1_334)]).omitted, 1, 'what counts is the encoded length')
})
