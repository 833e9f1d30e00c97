import type { AppPlace, Configuration } from '../config/configuration.ts'
import type { Session } from '../sessions/session.ts'

/** What an app may learn of who is signed in. Whatever is undefined nobody knows. */
export interface Person {
  /** The member id that Portico minted. */
  readonly user: string
  readonly email: string
  /** The invited address, where it is another than the e-mail (product R20). */
  readonly invited: string | undefined
  readonly name: string | undefined
  readonly groups: readonly string[]
  readonly organization: string
  readonly connection: string
  readonly role: string | undefined
  readonly newUser: boolean
  readonly amr: readonly string[] | undefined
  readonly acr: string | undefined
  readonly authTime: number
  readonly sid: string
}

/** What a dialect is told besides the person. */
export interface Occasion {
  readonly place: AppPlace
  readonly authOrigin: string
  /** Seconds since the epoch. */
  readonly now: number
  sign (claims: Readonly<Record<string, unknown>>): string
}

/** One gateway's way to tell an app who is there: a flat list of header names and values. */
export type Dialect = (person: Person, occasion: Occasion) => readonly string[]

/** A text that says nothing is no text. */
const something = (text: string | undefined): string | undefined => text === '' ? undefined : text?.toWellFormed()

/** The person of a session, with the role that their organization gives. */
export const personOf = (session: Session, configuration: Configuration): Person => ({
  user: session.member,
  email: session.email.toWellFormed(),
  invited: something(session.invited),
  name: something(session.name),
  groups: session.groups ?? [],
  organization: session.organization,
  connection: session.connection,
  role: something(configuration.organizations.get(session.organization)?.defaultRole),
  newUser: session.newUser,
  amr: session.amr,
  acr: session.acr,
  authTime: session.authTime,
  sid: session.sid
})
