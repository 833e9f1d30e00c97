import { assertionLifetime } from '../assertion.ts'
import { encodeValue, fitGroups } from '../encode.ts'
import type { Dialect } from '../person.ts'

/**
 * The authentik proxy outpost's headers. Groups are joined with `|`. `X-authentik-meta-jwks` tells
 * apps where the keys are, so the assertion needs no path of its own.
 */
export const authentik: Dialect = (person, { place, authOrigin, now, sign }) => {
  const { value, groups } = fitGroups(person.groups, '|')
  const email = encodeValue(person.email)
  const name = person.name ?? ''
  return [
    'X-authentik-username', email,
    'X-authentik-groups', value,
    'X-authentik-entitlements', '',
    'X-authentik-email', email,
    'X-authentik-name', encodeValue(name),
    'X-authentik-uid', encodeValue(person.user),
    'X-authentik-jwt', sign({
      iss: authOrigin,
      aud: place.origin,
      sub: person.user,
      email: person.email,
      email_verified: true,
      name,
      preferred_username: person.email,
      groups,
      entitlements: [],
      sid: person.sid,
      ak_proxy: { user_attributes: {}, backend_override: '', host_header: '', is_superuser: false },
      auth_time: person.authTime,
      iat: now,
      exp: now + assertionLifetime
    }),
    'X-authentik-meta-jwks', `${authOrigin}/.well-known/jwks.json`,
    'X-authentik-meta-outpost', 'portico',
    'X-authentik-meta-provider', person.connection,
    'X-authentik-meta-app', place.app.id,
    'X-authentik-meta-version', 'portico'
  ]
}
