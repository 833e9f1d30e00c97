import type { AppPlace, Configuration, Connection } from '../config/configuration.ts'
import { dialectOf } from '../identity/dialects.ts'
import { personOf } from '../identity/person.ts'
import { headerPairs } from '../identity/preview.ts'
import type { Member } from '../store/members.ts'

/** A header that the app would get, with where its value comes from. */
export interface ForeseenHeader {
  readonly name: string
  /** What is not known before the sign-in stands in braces. */
  readonly value: string
  readonly from: 'configuration' | 'question' | 'store' | 'provider' | 'sign-in'
}

const marks = { member: '{member id}', name: '{name}', group: '{groups}', signed: '{assertion}' } as const

/** Who is asked about, as far as it is known. */
export interface Foreseen {
  readonly email: string
  readonly invited?: string | undefined
  readonly member?: Member | undefined
  /** Undefined where the store cannot say. */
  readonly isNew?: boolean
}

/**
 * The identity headers for a place, made by the app's own dialect from what is known beforehand: the
 * provider's part (name, groups) and what the sign-in makes (the id of a new member, the assertion) are
 * marked. `now` in seconds.
 */
export const foreseeHeaders = (configuration: Configuration, place: AppPlace, { id, organization }: Connection, { email, invited, member, isNew }: Foreseen, now: number): ForeseenHeader[] => {
  const person = personOf({
    sid: '{session}',
    host: place.host,
    member: member?.id ?? marks.member,
    organization: organization.id,
    connection: id,
    generation: 0,
    subject: '',
    email,
    invited,
    name: marks.name,
    groups: [marks.group],
    newUser: isNew ?? true,
    authTime: now,
    startedAt: now
  }, configuration)
  const flat = dialectOf(place.app.headers)(person, { place, authOrigin: configuration.authOrigin, now, sign: () => marks.signed })
  const from = (value: string): ForeseenHeader['from'] => {
    if (value.includes(marks.name) || value.includes(marks.group)) return 'provider'
    if (value.includes(marks.signed) || value.includes(marks.member)) return 'sign-in'
    if (value === email || value === invited) return 'question'
    if (value === member?.id) return 'store'
    if (value === 'true') return isNew === undefined ? 'sign-in' : 'store'
    return 'configuration'
  }
  return headerPairs(flat).map(({ name, value }) => ({ name, value, from: from(value) }))
}
