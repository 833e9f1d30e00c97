import { judge } from '../../../src/connections/saml/judge.ts'
import type { ResponseExpectations } from '../../../src/connections/saml/expectations.ts'
import type { Received } from '../../../src/connections/saml/received.ts'
import type { Outcome, RefusalData } from '../../../src/connections/saml/verifier.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import type { Forge } from '../saml-forge.ts'

/** The pure judge with what it expects of a forge, at a time that stands still. */
export interface Bench {
  readonly now: number
  readonly expectations: ResponseExpectations
  /** Of a message as it would come: base64. */
  judge (message: string, changed?: Partial<ResponseExpectations>): Promise<Outcome>
  /** Code of a refusal, or `received`. Of XML. */
  code (xml: string, changed?: Partial<ResponseExpectations>): Promise<ErrorCode | 'received'>
  /** Throws when it is refused. */
  received (xml: string, changed?: Partial<ResponseExpectations>): Promise<Received>
  /** Throws when it is not refused. */
  refusal (xml: string, changed?: Partial<ResponseExpectations>): Promise<RefusalData>
}

/** `decryptionKeys` are PEM. */
export const createBench = (forge: Forge, now: number, decryptionKeys: readonly string[] = []): Bench => {
  const expectations: ResponseExpectations = {
    entityId: forge.entityId,
    certificates: [forge.certificate],
    acsUrls: [forge.sp.acs],
    audience: forge.sp.metadata,
    wantSigned: 'either',
    allowSha1: false,
    allowCbc: false,
    decryptionKeys,
    maxAge: undefined
  }
  const judged: Bench['judge'] = async (message, changed = {}) => await judge({ kind: 'response', message, expectations: { ...expectations, ...changed }, now })
  return {
    now,
    expectations,
    judge: judged,
    code: async (xml, changed) => {
      const outcome = await judged(forge.post(xml), changed)
      if (outcome.kind !== 'received' && outcome.kind !== 'refused') throw new Error(`a response became ${outcome.kind}`)
      return outcome.kind === 'received' ? 'received' : outcome.refusal.code
    },
    received: async (xml, changed) => {
      const outcome = await judged(forge.post(xml), changed)
      if (outcome.kind !== 'received') throw new Error(`refused: ${JSON.stringify(outcome)}`)
      return outcome.received
    },
    refusal: async (xml, changed) => {
      const outcome = await judged(forge.post(xml), changed)
      if (outcome.kind !== 'refused') throw new Error('that was accepted')
      return outcome.refusal
    }
  }
}
