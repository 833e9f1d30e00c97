import { encodeValue, fitGroups } from '../encode.ts'
import type { Dialect } from '../person.ts'

/** Authelia sets all four always, empty where it knows nothing. */
export const authelia: Dialect = person => [
  'Remote-User', encodeValue(person.user),
  'Remote-Groups', fitGroups(person.groups).value,
  'Remote-Name', encodeValue(person.name ?? ''),
  'Remote-Email', encodeValue(person.email)
]
