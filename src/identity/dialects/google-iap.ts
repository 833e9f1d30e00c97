import { assertionLifetime } from '../assertion.ts'
import { encodeValue } from '../encode.ts'
import type { Dialect } from '../person.ts'

/** What Google puts before every identifier. */
const namespace = 'accounts.google.com:'

/** Google's own issuer: apps that let their keys be configured still compare this. */
const issuer = 'https://cloud.google.com/iap'

/**
 * Google IAP's headers. Apps that read the plain ones move over unchanged; those that verify the
 * assertion need the keys' address (`/iap/verify/public_key-jwk` or `/iap/verify/public_key` on the
 * auth host) and the app's origin as the audience.
 */
export const googleIap: Dialect = (person, { place, now, sign }) => [
  'X-Goog-Authenticated-User-Email', `${namespace}${encodeValue(person.email)}`,
  'X-Goog-Authenticated-User-Id', `${namespace}${encodeValue(person.user)}`,
  'X-Goog-IAP-JWT-Assertion', sign({
    iss: issuer,
    aud: place.origin,
    sub: `${namespace}${person.user}`,
    email: person.email,
    hd: person.email.slice(person.email.lastIndexOf('@') + 1),
    iat: now,
    exp: now + assertionLifetime
  })
]
