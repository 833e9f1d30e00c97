import type { Configuration, Connection } from '../config/configuration.ts'
import { arrive } from './arrival.ts'
import { attributesStep } from './attributes.ts'
import { foreseeHeaders, type ForeseenHeader } from './headers.ts'
import { recognize } from './membership.ts'
import { permit } from './permission.ts'
import type { Question } from './question.ts'
import type { Records } from './recorded.ts'
import { route } from './route.ts'
import type { Step, Verdict } from './step.ts'

/** A verdict that a later date brings. */
export interface LaterVerdict {
  /** Seconds since the epoch. */
  readonly at: number
  readonly verdict: Verdict
}

export interface Explanation {
  readonly steps: readonly Step[]
  readonly verdict: Verdict
  readonly later: readonly LaterVerdict[]
  /** What the app would get; empty where nobody would get to it by a sign-in. */
  readonly headers: readonly ForeseenHeader[]
}

type Journey = Omit<Explanation, 'later'>

/** What is asked with: a configuration, its main file, and what the store has. */
export interface Grounds {
  readonly configuration: Configuration
  readonly file: string
  readonly records: Records
}

const success = ({ target: { kind, place }, url }: Question, { id, organization }: Connection): Verdict => {
  const groups = place?.app.groups.get(organization.id)
  const condition = groups === undefined ? '' : `, if one of their groups is ${[...groups].join(' or ')}`
  const end = kind === 'app' ? url.href : place?.origin ?? 'their only app, or the list of them'
  return {
    outcome: 'sign_in',
    says: `is sent to the provider of ${id}, signs in there, and comes to ${end}${condition}`,
    code: undefined,
    remedy: undefined,
    connection: id
  }
}

const travel = async ({ configuration, file, records }: Grounds, question: Question, now: number): Promise<Journey> => {
  const arrival = arrive(configuration, question, file)
  if (arrival.verdict !== undefined) return { steps: arrival.steps, verdict: arrival.verdict, headers: [] }
  const routed = route(configuration, question, now)
  const found = [...arrival.steps, ...routed.steps]
  if (routed.verdict !== undefined) return { steps: found, verdict: routed.verdict, headers: [] }
  const { connection } = routed
  const recognized = await recognize(configuration, records, connection, question.email)
  const known = [...found, ...attributesStep(connection), ...recognized.steps]
  if (recognized.verdict !== undefined) return { steps: known, verdict: recognized.verdict, headers: [] }
  const permission = permit(question, connection, recognized.member, file)
  const steps = [...known, ...permission.steps]
  if (permission.verdict !== undefined) return { steps, verdict: permission.verdict, headers: [] }
  const { target: { place }, email: { email } } = question
  return {
    steps,
    verdict: success(question, connection),
    headers: place === undefined ? [] : foreseeHeaders(configuration, place, connection, { ...recognized, email }, now)
  }
}

/** The dates after `now` that concern this question: of whoever claims the domain, and of the app's ways in. */
const datesAhead = (configuration: Configuration, { email, target }: Question, now: number): number[] => {
  const concerned = [
    ...configuration.domains.get(email.domain) ?? [],
    ...configuration.ways.get(target.place?.app.id ?? '') ?? [],
    ...target.kind === 'login_page' ? target.organization.connections : [],
    ...target.kind === 'auth' ? configuration.connections.get(target.named ?? '')?.organization.connections ?? [] : []
  ]
  const dates = concerned.flatMap(({ activateAt, replacedBy }) => [activateAt, replacedBy?.activateAt])
  return [...new Set(dates.filter(date => date !== undefined).filter(date => date > now))].sort((one, other) => one - other)
}

/** Whoever is refused for the same reason does not care by which connection. */
const isSame = (one: Verdict, other: Verdict): boolean =>
  one.outcome === other.outcome && one.code === other.code && (one.outcome === 'refused' || one.connection === other.connection)

/**
 * What would happen if somebody whose provider knows them by this e-mail opened this address at `now`
 * (seconds) in a browser that remembers nobody, and what would happen instead from which date on.
 */
export const explain = async (grounds: Grounds, question: Question, now: number): Promise<Explanation> => {
  const journey = await travel(grounds, question, now)
  const later: LaterVerdict[] = []
  for (const at of datesAhead(grounds.configuration, question, now)) {
    const { verdict } = await travel(grounds, question, at)
    if (!isSame(verdict, later.at(-1)?.verdict ?? journey.verdict)) later.push({ at, verdict })
  }
  return { ...journey, later }
}
