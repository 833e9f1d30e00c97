/**
 * Headers of the same number and size as those that Portico adds, for the subjects that do not sign
 * anybody in: they write as many bytes, and compute none of them.
 */
export const forwarded: readonly string[] = [
  'X-Auth-User', 'mem_0123456789abcdefghij',
  'X-Auth-Email', 'ada.lovelace@acme.com',
  'X-Auth-Name', 'Ada Lovelace',
  'X-Auth-Groups', 'engineering,operations,administrators',
  'X-Auth-Organization', 'acme',
  'X-Auth-Connection', 'okta_acme',
  'X-Auth-Assertion', `eyJhbGciOiJFUzI1NiJ9.${'a'.repeat(520)}.${'b'.repeat(86)}`,
  'X-Forwarded-For', '127.0.0.1',
  'X-Forwarded-Proto', 'http',
  'X-Forwarded-Host', 'analytics.localhost:8080',
  'X-Request-Id', '01234567-89ab-cdef-0123-456789abcdef'
]
