import type { Configuration } from '../config/configuration.ts'
import { createKeysInForce } from './assertion.ts'

/** A finished answer: the host only sends it. */
export interface PublishedDocument {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface PublishedKeys {
  /** `/.well-known/jwks.json` of the auth host; `/.well-known/pomerium/jwks.json` of an app that speaks `pomerium`. */
  jwks (): PublishedDocument
  /** `/iap/verify/public_key` of the auth host: PEM by kid, as Google publishes its keys. */
  pem (): PublishedDocument
}

const document = (value: unknown): PublishedDocument => ({
  headers: {
    'content-type': 'application/json; charset=utf-8',
    // Five minutes: what is listed second in `keys:` is known everywhere long before it signs
    'cache-control': 'public, max-age=300',
    // The keys are public, and apps verify in browsers too
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff'
  },
  body: JSON.stringify(value)
})

/** The public keys of the assertion as apps fetch them (product.md "The auth host"; docs/headers.md). */
export const createPublishedKeys = (deps: { readonly configuration: () => Configuration }): PublishedKeys => {
  const keys = createKeysInForce(() => deps.configuration().keys)
  return {
    jwks: () => document({ keys: keys().published }),
    pem: () => document(keys().pem)
  }
}
