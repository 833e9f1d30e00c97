import { isUuid } from '../../config/schema/values.ts'

/** What a provider has against the client itself, in whatever words: its secret or certificate, or that there is no such client. */
export type ClientFault = 'refused' | 'expired' | 'unknown'

/** Entra's own numbers; a certificate counts as a secret does. */
const entra: ReadonlyMap<string, ClientFault> = new Map([
  ['AADSTS7000215', 'refused'], // the secret is none of this application's
  ['AADSTS7000218', 'refused'], // no credentials came
  ['AADSTS700027', 'refused'], // the certificate is none of this application's
  ['AADSTS7000222', 'expired'],
  ['AADSTS700016', 'unknown'], // no such application in this tenant
  ['AADSTS7000229', 'unknown'], // it is not installed in this tenant
  ['AADSTS7000112', 'refused'] // the application is disabled
])

/** `error` of RFC 6749 §5.2, and what GitHub and Slack have in its place. */
const errors: ReadonlyMap<string, ClientFault> = new Map([
  ['invalid_client', 'refused'],
  ['incorrect_client_credentials', 'refused'],
  ['bad_client_secret', 'refused'],
  ['invalid_client_id', 'unknown']
])

/** The number in Entra's description of an error: `AADSTS7000222`. */
export const entraCode = (description: unknown): string | undefined =>
  typeof description === 'string' ? /\bAADSTS\d{5,8}\b/.exec(description)?.[0] : undefined

/**
 * Whether an error of a token endpoint is about the client, and how; undefined for any other. Entra's
 * numbers say more than its `error`, which calls an unknown application `unauthorized_client`; a 401
 * without further words is about the client too (RFC 6749 §5.2).
 */
export const clientFault = (status: number, error: unknown, description: unknown): ClientFault | undefined => {
  const code = entraCode(description)
  if (code !== undefined) return entra.get(code) ?? (error === 'invalid_client' ? 'refused' : undefined)
  const fault = (typeof error === 'string' ? errors.get(error) : undefined) ?? (status === 401 ? 'refused' : undefined)
  // Of the secret alone: a client assertion that is too old is called expired as well
  const saysExpired = typeof description === 'string' && /secret\b[^.]*\bexpired|expired\b[^.]*\bsecret/i.test(description)
  return fault === 'refused' && saysExpired ? 'expired' : fault
}

/** Entra shows two texts for a secret: its value, and an id, which is a GUID and no use here. */
export const looksLikeSecretId = (secret: string): boolean => isUuid(secret)

/** What to do about a client that was refused with this description, where more can be said than for any; `secrets` are what was sent. */
export const clientRemedy = (description: unknown, secrets: readonly string[]): string | undefined => {
  switch (entraCode(description)) {
    case 'AADSTS7000215':
      return secrets.some(looksLikeSecretId)
        ? 'client_secret looks like a Secret ID: in Entra, copy the Value of the client secret instead, or make a new one if it is no longer shown.'
        : 'Entra does not know this client_secret: copy the Value (not the Secret ID) of a client secret of this very application.'
    case 'AADSTS700027':
      return 'Entra does not know this certificate: upload the one of client_certificate to the application.'
    case 'AADSTS700016':
    case 'AADSTS7000229':
      return 'There is no such application in this tenant: compare client_id and tenant_id, and have the tenant\'s admin consent to it.'
    default:
      return undefined
  }
}
