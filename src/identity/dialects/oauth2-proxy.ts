import { encodeValue, fitGroups } from '../encode.ts'
import type { Dialect } from '../person.ts'

/**
 * oauth2-proxy's headers to an upstream and, for apps that were behind nginx with it, the
 * `X-Auth-Request-*` twins. The e-mail stands for the preferred user name that Portico does not have.
 */
export const oauth2Proxy: Dialect = person => {
  const groups = fitGroups(person.groups).value
  const email = encodeValue(person.email)
  return ['X-Forwarded', 'X-Auth-Request'].flatMap(prefix => [
    `${prefix}-User`, encodeValue(person.user),
    `${prefix}-Email`, email,
    `${prefix}-Groups`, groups,
    `${prefix}-Preferred-Username`, email
  ])
}
