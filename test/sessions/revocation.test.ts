import fc from 'fast-check'
import t from 'tap'
import { createRevocations, type Revocable } from '../../src/sessions/revocation.ts'
import { newSid } from '../../src/sessions/session.ts'
import { createTextTable, fits } from '../../src/sessions/text-table.ts'
import { revocationKinds, type Revocation } from '../../src/store/store.ts'

const nobody: Revocable = { organization: 'none', connection: 'none', startedAt: 0 }

t.test('a table answers as a map does, whatever is set and pruned in whatever order', async t => {
  // few texts of few lengths, so that they meet; and enough of them to grow and shrink
  const text = fc.oneof(fc.integer({ min: 0, max: 3_000 }).map(String), fc.string({ unit: fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code)), maxLength: 255 }))
  const set = fc.record({ text, first: fc.integer({ min: 0, max: 2 ** 32 - 1 }), second: fc.integer({ min: 0, max: 50 }) })
  fc.assert(fc.property(fc.array(fc.oneof({ weight: 300, arbitrary: set }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 50 }) }), { minLength: 1, maxLength: 4_000, size: 'max' }), steps => {
    const table = createTextTable()
    const model = new Map<string, readonly [string, number, number]>()
    for (const step of steps) {
      if (typeof step === 'number') {
        table.prune(Infinity, second => second <= step)
        for (const [key, [, , second]] of model) if (second <= step) model.delete(key)
        continue
      }
      table.set(step.text, step.first, step.second)
      model.set(step.text, [step.text, step.first, step.second])
    }
    const told = new Map([...table.entries()].map(entry => [entry[0], entry]))
    return table.size === model.size && told.size === model.size &&
      [...model.values()].every(([text, first, second]) => {
        const place = table.find(text)
        const entry = told.get(text)
        return place !== -1 && table.firstAt(place) === first && table.secondAt(place) === second && entry?.[1] === first && entry[2] === second
      }) &&
      steps.every(step => typeof step === 'number' || model.has(step.text) === (table.find(step.text) !== -1))
  }), { numRuns: 25 })
  t.ok(fits('a'.repeat(255)))
  t.notOk(fits('a'.repeat(256)))
  t.notOk(fits('Č'))
  t.equal(createTextTable().find('Č'), -1)
})

t.test('each kind ends what it names and nothing else, values of any alphabet and length too', async t => {
  for (const value of ['x', 'Čapek', 'x'.repeat(5_000), '']) {
    const parts = (kind: Revocation['kind']): { value: string, hit: Revocable } => {
      const of = (over: Partial<Revocable>, value: string) => ({ value, hit: { ...nobody, ...over } })
      if (kind === 'session' || kind === 'api_key') return of({ sid: value }, value)
      if (kind === 'member') return of({ member: value }, value)
      if (kind === 'organization') return of({ organization: value }, value)
      if (kind === 'connection') return of({ connection: value }, value)
      if (kind === 'subject') return of({ connection: 'c', subject: value }, `c|${value}`)
      if (kind === 'nameless_subject') return of({ connection: 'c', subject: value, idpSession: undefined }, `c|${value}`)
      if (kind === 'idp_session') return of({ connection: 'c', idpSession: value }, `c|${value}`)
      if (kind === 'certificate') return of({ connection: 'c', saml: { certificate: value } }, `c|${value}`)
      if (kind === 'name_id') return of({ connection: 'c', saml: { certificate: 'z', nameId: { value: 'n' } } }, 'c|["n",null,null]')
      return of({}, '')
    }
    for (const kind of revocationKinds) {
      const { value: named, hit } = parts(kind)
      const revocations = createRevocations()
      t.notOk(revocations.matches({ ...hit, startedAt: 100 }))
      t.ok(revocations.add({ kind, value: named, issuedBefore: 100, expiresAt: 500 }), kind)
      t.notOk(revocations.add({ kind, value: named, issuedBefore: 100, expiresAt: 400 }), 'nothing new')
      t.ok(revocations.matches({ ...hit, startedAt: 100 }), `${kind} ${value.slice(0, 9)}`)
      const isById = kind === 'session' || kind === 'api_key'
      t.equal(revocations.matches({ ...hit, startedAt: 101 }), isById, 'whatever began later lives, but for ids')
      if (kind !== 'everybody') {
        t.notOk(revocations.matches({ ...nobody, sid: 'other', member: 'other', subject: 'other', idpSession: 'other', saml: { certificate: 'other', nameId: { value: 'other' } }, startedAt: 1 }))
      }
      t.match([...revocations.all()], [{ kind: isById ? 'session' : kind, value: named, expiresAt: 500 }], 'told again as it was')
      revocations.sweep(499)
      t.ok(revocations.matches({ ...hit, startedAt: 100 }))
      revocations.sweep(500)
      t.notOk(revocations.matches({ ...hit, startedAt: 100 }))
      t.same([...revocations.all()], [])
    }
  }
})

t.test('a million revocations take less than 100 MB, and are told again and forgotten one by one', async t => {
  const revocations = createRevocations()
  const before = process.memoryUsage().arrayBuffers
  const sids = Array.from({ length: 5 }, newSid)
  for (const value of sids) revocations.add({ kind: 'session', value, issuedBefore: 1, expiresAt: 2_000_000 })
  for (let i = 0; i < 1_000_000; i++) revocations.add({ kind: i % 10 === 0 ? 'subject' : 'session', value: `okta_acme|${String(i).padStart(15, '0')}`, issuedBefore: 1, expiresAt: 1_000_000 + i })
  const held = process.memoryUsage().arrayBuffers - before
  t.ok(held < 100_000_000, `${Math.round(held / 1_000_000)} MB`)
  t.ok(sids.every(sid => revocations.matches({ ...nobody, sid })))
  t.ok(revocations.matches({ ...nobody, connection: 'okta_acme', subject: '000000000999990', startedAt: 1 }))
  let told = 0
  for (const { expiresAt } of revocations.all()) told += expiresAt > 0 ? 1 : 0
  t.equal(told, 1_000_005)
  for (let i = 0; i < 40; i++) revocations.sweep(1_999_999)
  t.same(new Set([...revocations.all()].map(({ value }) => value)), new Set(sids), 'after some sweeps')
  t.ok(sids.every(sid => revocations.matches({ ...nobody, sid })))
})
