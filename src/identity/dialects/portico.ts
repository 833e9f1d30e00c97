import { assertionLifetime } from '../assertion.ts'
import { encodeValue, fitGroups } from '../encode.ts'
import type { Dialect } from '../person.ts'

/**
 * Portico's own words (product.md "Headers to the app"). What nobody knows has no header. There is
 * no `jti`: one assertion serves every request of a session for up to two minutes.
 */
export const portico: Dialect = (person, { place, authOrigin, now, sign }) => {
  const { value, groups, omitted } = fitGroups(person.groups)
  const headers = [
    'X-Auth-User', encodeValue(person.user),
    'X-Auth-Email', encodeValue(person.email)
  ]
  if (person.invited !== undefined) headers.push('X-Auth-Member', encodeValue(person.invited))
  if (person.name !== undefined) headers.push('X-Auth-Name', encodeValue(person.name))
  if (value !== '') headers.push('X-Auth-Groups', value)
  if (omitted > 0) headers.push('X-Auth-Groups-Omitted', String(omitted))
  headers.push('X-Auth-Organization', encodeValue(person.organization), 'X-Auth-Connection', encodeValue(person.connection))
  if (person.role !== undefined) headers.push('X-Auth-Role', encodeValue(person.role))
  if (person.newUser) headers.push('X-Auth-New-User', 'true')
  headers.push('X-Auth-Assertion', sign({
    iss: authOrigin,
    aud: place.origin,
    sub: person.user,
    email: person.email,
    member: person.invited,
    name: person.name,
    groups,
    groups_omitted: omitted > 0 ? omitted : undefined,
    org: person.organization,
    connection: person.connection,
    role: person.role,
    new_user: person.newUser,
    amr: person.amr,
    acr: person.acr,
    auth_time: person.authTime,
    sid: person.sid,
    iat: now,
    exp: now + assertionLifetime
  }))
  return headers
}
