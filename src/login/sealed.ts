import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { sessionSchema } from '../sessions/session.ts'
import type { Purpose, Sealer } from '../sessions/seal.ts'

/** Seconds that a sign-in may take, from the first redirect to the hand-off. */
export const attemptLifetime = 30 * 60

/** An unguessable name. */
export const randomName = (bytes = 12): string => randomBytes(bytes).toString('base64url')

const iat = z.number()

/** Where a sign-in is to lead: an app host and, where known, the absolute page there. */
export const wantedSchema = z.object({
  app: z.string(),
  region: z.string().optional(),
  page: z.string().optional(),
  /** The sign-in under way on the app host: its id, and the SHA-256 of the secret that only that browser holds. */
  begin: z.object({ id: z.string(), bind: z.string() }).optional(),
  /** How often the browser has come back without its cookie. */
  round: z.number().optional()
})

export type Wanted = z.infer<typeof wantedSchema>

/** Cookie of an app host: this browser began a sign-in there. */
export const beginSchema = z.object({ id: z.string(), host: z.string(), secret: z.string(), page: z.string(), iat })

export type Begin = z.infer<typeof beginSchema>

/** How a connection stood when a link to its test sign-in was made, and must stand still. */
export const testStanding = z.enum(['testing', 'active'])

export type TestStanding = z.infer<typeof testStanding>

/** `token` of a test link. */
export const testTokenSchema = z.object({
  connection: z.string(),
  organization: z.string(),
  standing: testStanding,
  /** Seconds since the epoch. */
  expires: z.number()
})

export type TestToken = z.infer<typeof testTokenSchema>

/** What an app host asks of the auth host, by way of the browser. */
export const requestSchema = z.object({ wanted: wantedSchema, iat })

/** Cookie of the auth host: one sign-in in one tab. */
export const attemptSchema = z.object({
  id: z.string(),
  connection: z.string(),
  generation: z.number(),
  nonce: z.string(),
  codeVerifier: z.string(),
  loginHint: z.string().optional(),
  wanted: wantedSchema.optional(),
  /** It returns to the shared redirect URI: as the connection said when it began, whatever it says since. */
  shared: z.literal(true).optional(),
  /** It is a test: nothing that it returns with ever becomes a session. */
  test: testStanding.optional(),
  /** Somebody who is signed in is asked once more, for an app whose `max_age` (seconds) this is. */
  stepUp: z.number().optional(),
  iat
})

export type Attempt = z.infer<typeof attemptSchema>

/** `state`: opaque to the identity provider, and enough to find the way without the cookie. */
export const stateSchema = z.object({
  id: z.string(),
  connection: z.string(),
  wanted: wantedSchema.optional(),
  shared: z.literal(true).optional(),
  test: z.literal(true).optional(),
  iat
})

export type State = z.infer<typeof stateSchema>

/** What a ticket stands for, in the store. */
export const ticketSchema = z.object({ host: z.string(), session: sessionSchema })

/** A finished sign-in that waits for its person to say that it may replace the session `previous`. */
export const replacementSchema = z.object({ session: sessionSchema, wanted: wantedSchema.optional(), previous: z.string() })

/** A return that came by POST, on its way to a GET that brings the cookies along. */
export const postedSchema = z.object({ parameters: z.string(), iat })

/** Opens and parses in one: undefined for whatever was not sealed for this purpose in this shape. */
export const openSealed = <T>(sealer: Sealer, purpose: Purpose, schema: z.ZodType<T>, text: string | undefined): T | undefined => {
  const opened = text === undefined ? undefined : sealer.open(purpose, text)
  return opened === undefined ? undefined : schema.safeParse(opened).data
}

/** Bytes that a text takes in a sealed value: JSON escapes some characters, and UTF-8 lengthens others. */
export const sizeOf = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2

/** Whether something sealed at `iat` is still within `lifetime` seconds; clocks of instances may differ by a minute. */
export const isFresh = (iat: number, now: number, lifetime: number): boolean => iat <= now + 60 && now < iat + lifetime

/** Whose browser it is. */
export const rememberedSchema = z.object({ email: z.string() })

/** What an identity provider is told of somebody who has just signed out. */
const leavingSchema = sessionSchema.pick({ sid: true, email: true, connection: true, organization: true, saml: true, idpSession: true })

export type Leaving = z.infer<typeof leavingSchema>

/** What a sign-out has left to be done or said: see `farewell.ts`. */
export const farewellSchema = z.object({
  organization: z.string(),
  /** Somebody who is signed out here, and whose identity provider has not been told. */
  leaving: leavingSchema.optional(),
  /** How it came out there: everything ended, something did not, nobody can say, the provider was not told, or it was asked and sent the person back. */
  provider: z.enum(['ended', 'partial', 'unconfirmed', 'not_told', 'asked']).optional(),
  /** Where the person asked to go, if that is not in the address beside. */
  returnTo: z.string().optional(),
  iat
})

/** A LogoutRequest of ours whose answer is awaited: where the person goes then. */
export const awaitedSchema = z.object({ returnTo: z.string().optional() })
