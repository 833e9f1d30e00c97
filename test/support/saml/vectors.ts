import type { Test } from 'tap'
import type { ResponseExpectations } from '../../../src/connections/saml/expectations.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import type { Bench } from './judging.ts'

/** Messages (XML) by what is said of them. */
export type Vectors = Readonly<Record<string, string>>

/** Every one of them is refused, with one of these codes. */
export const refuses = async (t: Test, bench: Bench, vectors: Vectors, codes: readonly ErrorCode[], changed?: Partial<ResponseExpectations>): Promise<void> => {
  for (const [name, xml] of Object.entries(vectors)) {
    const code = await bench.code(xml, changed)
    t.ok(codes.some(expected => expected === code), `${name}: ${code}`)
  }
}

export const accepts = async (t: Test, bench: Bench, vectors: Vectors, changed?: Partial<ResponseExpectations>): Promise<void> => {
  for (const [name, xml] of Object.entries(vectors)) t.equal(await bench.code(xml, changed), 'received', name)
}

/** A text changed in several ways; throws for a change that changes nothing. */
export const tampered = (xml: string, changes: Readonly<Record<string, (xml: string) => string>>): Vectors =>
  Object.fromEntries(Object.entries(changes).map(([name, change]) => {
    const changed = change(xml)
    if (changed === xml) throw new Error(`${name} changed nothing`)
    return [name, changed]
  }))
