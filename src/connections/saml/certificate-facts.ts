import { X509Certificate, createHash } from 'node:crypto'
import { z } from 'zod'
import type { Connection } from '../../config/configuration.ts'
import { thumbprintOf } from '../../config/idp-certificate.ts'
import type { Expiring } from '../../telemetry/metrics.ts'
import type { IdpDescription } from './description.ts'

/** What is remembered of the certificates of a connection's provider, over restarts. Times in seconds since the epoch. */
const schema = z.object({
  /** SHA-256 of what the configuration says of them; undefined where they come from a URL. */
  source: z.string().optional(),
  certificates: z.array(z.object({ thumbprint: z.string(), notAfter: z.number() })),
  validUntil: z.number().optional(),
  /** When this `validUntil` was first seen. */
  since: z.number()
})

export type CertificateFacts = z.infer<typeof schema>

/** Facts out of the store; undefined for what are none. */
export const parseFacts = (text: string | undefined): CertificateFacts | undefined => {
  if (text === undefined) return undefined
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** SHA-256 of what the configuration alone says of a provider's certificates; undefined where they come from a URL. */
export const sourceOf = ({ settings, saml }: Pick<Connection, 'settings' | 'saml'>): string | undefined =>
  settings.connector !== 'saml' || settings.metadata_url !== undefined
    ? undefined
    : createHash('sha256').update(JSON.stringify([settings.entity_id, saml])).digest('base64url')

export const factsOf = (connection: Pick<Connection, 'settings' | 'saml'>, { certificates, validUntil }: IdpDescription, now: number): CertificateFacts => {
  const source = sourceOf(connection)
  return {
    ...source !== undefined && { source },
    certificates: certificates.map(pem => new X509Certificate(pem)).map(certificate => ({ thumbprint: thumbprintOf(certificate), notAfter: certificate.validToDate.getTime() / 1_000 })),
    ...validUntil !== undefined && { validUntil },
    since: now
  }
}

/** Whether they say the same, whenever it was first seen. */
export const isSameFacts = (one: CertificateFacts | undefined, other: CertificateFacts): boolean =>
  one !== undefined && JSON.stringify({ ...one, since: 0 }) === JSON.stringify({ ...other, since: 0 })

/** Thumbprints that were there and are no longer. */
export const lostBetween = (before: CertificateFacts | undefined, now: CertificateFacts): readonly string[] => {
  const left = new Set(now.certificates.map(({ thumbprint }) => thumbprint))
  return before?.certificates.map(({ thumbprint }) => thumbprint).filter(thumbprint => !left.has(thumbprint)) ?? []
}

/** Seconds after which an end that is still the same is none that each fetch puts off. */
const settling = 2 * 86_400

/**
 * What expires of a provider (product R11): each certificate, but one that is over where another one holds:
 * it was replaced. Metadata by URL that is renewed all the time is always near its end: that counts
 * when it does not move.
 */
export const expiringOf = (connection: string, { source, certificates, validUntil, since }: CertificateFacts, now: number): readonly Expiring[] => {
  const held = certificates.filter(({ notAfter }) => notAfter > now)
  const ends = new Set((held.length > 0 ? held : certificates).map(({ notAfter }) => notAfter))
  const isSettled = validUntil !== undefined && (source !== undefined || now - since >= Math.min(settling, (validUntil - since) / 2))
  return [
    ...[...ends].map(at => ({ connection, what: 'idp_certificate' as const, at })),
    ...isSettled ? [{ connection, what: 'idp_metadata' as const, at: validUntil }] : []
  ]
}
