import { randomUUID } from 'node:crypto'
import { assertionLifetime } from '../assertion.ts'
import { encodeValue, fitGroups } from '../encode.ts'
import type { Dialect } from '../person.ts'

/**
 * Pomerium's assertion, issued by and for the route's host name without scheme, and the claim
 * headers that its examples configure. Its libraries take the keys from
 * `/.well-known/pomerium/jwks.json` on that host. A `jti` is new with each assertion, not with each
 * request.
 */
export const pomerium: Dialect = (person, { place, now, sign }) => {
  const { value, groups } = fitGroups(person.groups)
  const name = person.name ?? ''
  return [
    'X-Pomerium-Claim-User', encodeValue(person.user),
    'X-Pomerium-Claim-Email', encodeValue(person.email),
    'X-Pomerium-Claim-Name', encodeValue(name),
    'X-Pomerium-Claim-Groups', value,
    'X-Pomerium-Jwt-Assertion', sign({
      iss: place.host,
      aud: place.host,
      jti: randomUUID(),
      sub: person.user,
      user: person.user,
      email: person.email,
      name,
      groups,
      sid: person.sid,
      iat: now,
      exp: now + assertionLifetime
    })
  ]
}
