import { z } from 'zod'

const nameId = z.object({
  value: z.string(),
  format: z.string().optional(),
  nameQualifier: z.string().optional(),
  spNameQualifier: z.string().optional()
})

/** An assertion as it was signed: plain data, read from the signed bytes alone. Times in seconds since the epoch. */
export const assertionSchema = z.object({
  id: z.string(),
  issuer: z.string(),
  issueInstant: z.number(),
  nameId: nameId.optional(),
  /** Every SubjectConfirmation, bearer or not. */
  confirmations: z.array(z.object({
    method: z.string(),
    recipient: z.string().optional(),
    inResponseTo: z.string().optional(),
    notBefore: z.number().optional(),
    notOnOrAfter: z.number().optional()
  })),
  conditions: z.object({
    notBefore: z.number().optional(),
    notOnOrAfter: z.number().optional(),
    /** Each AudienceRestriction with its Audiences: one of each must be ours. */
    audiences: z.array(z.array(z.string()))
  }).optional(),
  statements: z.array(z.object({
    authnInstant: z.number(),
    sessionIndex: z.string().optional(),
    sessionNotOnOrAfter: z.number().optional(),
    authnContextClassRef: z.string().optional()
  })),
  /** By Name, in the order in which they came; values of equal names joined (S22). */
  attributes: z.array(z.tuple([z.string(), z.array(z.string())]))
})

export type Assertion = z.infer<typeof assertionSchema>

/** What a response was found to be when it came, before anybody knew which browser brought it: kept sealed under a one-time handle until the GET that follows. */
export const receivedSchema = z.object({
  assertion: assertionSchema,
  /** The request that it answers, from the signed SubjectConfirmationData; undefined where nobody asked. */
  inResponseTo: z.string().optional(),
  /** SHA-256 of the certificate that verified it, base64url. */
  certificate: z.string(),
  /** Until when it must be remembered as used, in seconds since the epoch. */
  replayableUntil: z.number()
})

export type Received = z.infer<typeof receivedSchema>
