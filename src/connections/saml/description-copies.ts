import { z } from 'zod'
import type { ProviderCopies } from '../outbound/copies.ts'
import type { IdpDescription } from './description.ts'

const endpoints = z.object({ redirect: z.string().optional(), post: z.string().optional() })

const stored = z.object({
  entityId: z.string(),
  sso: endpoints,
  slo: endpoints,
  sloResponse: endpoints,
  certificates: z.array(z.string()).min(1),
  wantsSignedRequests: z.boolean(),
  validUntil: z.number().optional(),
  cacheDuration: z.number().optional()
})

/** A description that was good, and when it was fetched: seconds since the epoch. */
export interface DescriptionCopy {
  readonly description: IdpDescription
  readonly fetchedAt: number
}

/** The last good copy of what stands at `source`; undefined where there is none that can be believed. Never throws. */
export const findDescription = async (copies: ProviderCopies, source: string): Promise<DescriptionCopy | undefined> => {
  const copy = await copies.find(source)
  const read = stored.safeParse(copy?.content).data
  if (copy === undefined || read === undefined) return undefined
  return { description: { ...read, validUntil: read.validUntil, cacheDuration: read.cacheDuration }, fetchedAt: copy.fetchedAt }
}
