import { createPrivateKey } from 'node:crypto'
import t from 'tap'
import { createSpKeys } from '../../src/connections/saml/sp-keys.ts'
import type { Received } from '../../src/connections/saml/received.ts'
import { configurationOf } from '../support/configuration.ts'
import { assertionIn, createForge } from '../support/saml-forge.ts'
import { encryptElement } from '../support/saml/encrypting.ts'
import { createBench } from '../support/saml/judging.ts'
import { mutations } from '../support/saml/mutating.ts'
import { createRandom, type Random } from '../support/saml/random.ts'

/**
 * Metamorphic: a valid response, changed in one random way, is refused, or says exactly what it said. 500 changes in
 * CI; `npm run test:nightly` makes 10,000, beginning at a seed of the day. PORTICO_MUTATIONS is how many,
 * PORTICO_MUTATION_SEED the first of their seeds: a failure prints its own.
 */
const count = Number(process.env.PORTICO_MUTATIONS ?? 500)
const firstSeed = Number(process.env.PORTICO_MUTATION_SEED ?? 1)

// derived from fixed keys, so that a seed makes the same message tomorrow
const [theirs, ours] = await createSpKeys(() => configurationOf({ keys: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] })).all()
if (theirs === undefined || ours === undefined) throw new Error('there are two keys')
const now = 1_800_000_000
const forge = createForge({ now: () => now, privateKey: createPrivateKey(theirs.privateKey), certificate: theirs.certificate })
const bench = createBench(forge, now, [ours.privateKey])
const response = forge.response({ responseId: '_response', assertionId: '_assertion', sessionIndex: '_session' })
const inner = forge.sign(response)
const encrypt = (assertion: string): string => response.replace(assertionIn(response), () => encryptElement(assertion, ours.certificate))

/** Each with what of it is changed: the message, or what is encrypted in it by whoever changes it. */
const messages: Readonly<Record<string, { readonly xml: string, readonly sent: (xml: string) => string }>> = {
  response: { xml: forge.sign(response, { what: 'response' }), sent: xml => xml },
  assertion: { xml: inner, sent: xml => xml },
  both: { xml: forge.sign(response, { what: 'both' }), sent: xml => xml },
  'assertion, encrypted': { xml: encrypt(assertionIn(inner)), sent: xml => xml },
  'response, encrypted': { xml: forge.sign(encrypt(assertionIn(response)), { what: 'response' }), sent: xml => xml },
  'inside of the encryption': { xml: assertionIn(inner), sent: encrypt }
}

const changeBase64 = (message: string, { below, one }: Random): string => {
  const at = below(message.length)
  return message.slice(0, at) + one(['', 'A', '=', '-', ' ', '\n', '%', '\0', '+']) + message.slice(at + below(3))
}

const originals = new Map<string, Received>()
for (const [name, { xml, sent }] of Object.entries(messages)) originals.set(name, await bench.received(sent(xml)))

t.test(`S1–S6 S12 S22 one random change of a valid response: refused, or the same identity (${count} of them from seed ${firstSeed})`, { timeout: 60_000 + count * 150 }, async t => {
  const outcomes = new Map<string, number>()
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const random = createRandom(seed)
    const style = random.one(Object.keys(messages))
    const kind = random.one([...Object.keys(mutations), 'base64'])
    const { xml, sent } = messages[style] ?? { xml: '', sent: (same: string) => same }
    const ways = mutations[kind]
    const message = ways === undefined ? changeBase64(forge.post(sent(xml)), random) : forge.post(sent(random.one(ways)(xml, random)))
    const outcome = await bench.judge(message)
    const how = outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind
    outcomes.set(how, (outcomes.get(how) ?? 0) + 1)
    // `breaks on`: refused only because reading it threw what nobody meant to throw
    const isDefect = outcome.kind === 'refused' && outcome.refusal.got?.includes('breaks on') === true
    if (outcome.kind === 'refused' && !isDefect) continue
    const said = outcome.kind === 'received' ? outcome.received : outcome
    t.same(said, originals.get(style), `seed ${seed}: ${kind} of ${style}`, { diagnostic: false, message })
  }
  const refused = count - (outcomes.get('received') ?? 0)
  t.comment([...outcomes].map(([how, times]) => `${how} ${times}`).join(', '))
  t.ok(refused > count / 2, `${refused} of ${count} are refused`)
  t.ok(outcomes.size >= 4, 'in several ways')
})
