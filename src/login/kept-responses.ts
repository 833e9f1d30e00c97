import { createHash } from 'node:crypto'
import { z } from 'zod'
import { receivedSchema } from '../connections/saml/received.ts'
import { definitions, type ErrorCode } from '../errors.ts'
import type { LoginDeps } from './deps.ts'
import { openSealed, randomName, wantedSchema } from './sealed.ts'

/** Seconds between a POST and the GET that it is answered with. */
export const keptLifetime = 60

const code = z.custom<ErrorCode>(value => typeof value === 'string' && Object.hasOwn(definitions, value))

const check = z.object({ name: z.string(), passed: z.boolean(), wanted: z.string(), got: z.string() })

const keptSchema = z.discriminatedUnion('kind', [
  /** It answers an attempt: of whose browser the GET will tell. `checks` of a test alone. */
  z.object({ kind: z.literal('answer'), connection: z.string(), attempt: z.string(), received: receivedSchema, checks: z.array(check) }),
  /** It was refused, and is of a test, which shows that. */
  z.object({
    kind: z.literal('refusal'),
    connection: z.string(),
    attempt: z.string(),
    code,
    wanted: z.string().optional(),
    got: z.string().optional(),
    remedy: z.string(),
    checks: z.array(check)
  }),
  /** Nobody here had asked for it, and its connection accepts such ones. `generation` and `iat`, in seconds, of when it came: what was ended since, it is too old for. */
  z.object({ kind: z.literal('unsolicited'), connection: z.string(), generation: z.number(), received: receivedSchema, wanted: wantedSchema.optional(), iat: z.number() })
])

/** A SAML response that came by POST and was judged, on its way to a GET that brings the cookies along. */
export type KeptResponse = z.infer<typeof keptSchema>

export interface KeptResponses {
  /** Answers with the handle that it can be taken by, once, within a minute. Throws PORTICO_STORE_UNAVAILABLE and PORTICO_VALUE_REFUSED. */
  keep (response: KeptResponse): Promise<string>
  /** Throws PORTICO_STORE_UNAVAILABLE. */
  take (handle: string): Promise<KeptResponse | undefined>
}

/** Whether a text could be a handle. */
export const isHandle = (text: string | undefined): text is string => text !== undefined && /^[\w-]{43}$/.test(text)

const keyOf = (handle: string): string => createHash('sha256').update(`saml|${handle}`).digest('base64url')

/** Judged responses, sealed in the store. */
export const createKeptResponses = ({ store, sealer, now }: Pick<LoginDeps, 'store' | 'sealer' | 'now'>): KeptResponses => ({
  keep: async response => {
    const handle = randomName(32)
    await store.put('handle', keyOf(handle), sealer().seal('handle', response), now() + keptLifetime)
    return handle
  },

  take: async handle => openSealed(sealer(), 'handle', keptSchema, await store.take('handle', keyOf(handle)))
})
