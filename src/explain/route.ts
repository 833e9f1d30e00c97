import { onlyConnection } from '../access/apps.ts'
import type { Configuration, Connection } from '../config/configuration.ts'
import { dateText } from '../config/dates.ts'
import { canonicalDomain } from '../config/schema/domain.ts'
import { isActive, ownerOf, successorOf } from '../config/standing.ts'
import { suggest } from '../config/suggest.ts'
import type { Leg } from './arrival.ts'
import type { Question } from './question.ts'
import { standingDecider, standingText } from './standing-text.ts'
import type { Decider, Step, Verdict } from './step.ts'

/** A leg that ended, or found a connection. */
export type Routed = Required<Leg> | { readonly steps: readonly Step[], readonly verdict?: undefined, readonly connection: Connection }

const domainSetting = ({ id, location: { file } }: Connection, key: 'domains' | 'accepts', domain: string): Decider =>
  ({ file, path: ['connections', id, key], item: text => canonicalDomain(text) === domain })

/** Connections that may assert a domain without being routed to. */
const acceptors = (configuration: Configuration, domain: string): Connection[] =>
  [...configuration.connections.values()].filter(({ domains, assertable }) => assertable.has(domain) && !domains.has(domain))

/** When the domain has an active connection, if ever. */
const opening = (configuration: Configuration, domain: string, now: number): { at: number, connection: Connection } | undefined => {
  for (const at of configuration.dates) {
    const connection = at > now ? ownerOf(configuration, domain, at) : undefined
    if (connection !== undefined) return { at, connection }
  }
  return undefined
}

const connectionStep = (configuration: Configuration, connection: Connection, now: number, why = ''): Step => ({
  step: 'connection',
  says: `${connection.id} (${connection.connector}) is ${standingText(connection, now)}${why}`,
  decider: standingDecider(configuration, connection, now)
})

/** The organization whose domain it is, by whichever connection claims it. */
const organizationStep = (configuration: Configuration, domain: string, claimant: Connection | undefined): Step => {
  if (claimant !== undefined) {
    const { organization: { id, name } } = claimant
    return { step: 'organization', says: `${domain} belongs to ${id} (${name})`, decider: domainSetting(claimant, 'domains', domain) }
  }
  const [acceptor] = acceptors(configuration, domain)
  if (acceptor !== undefined) {
    return {
      step: 'organization',
      says: `${domain} is routed nowhere; ${acceptor.id} of ${acceptor.organization.id} accepts it from its provider, so a link to /login/${acceptor.id} works`,
      decider: domainSetting(acceptor, 'accepts', domain)
    }
  }
  const meant = suggest(domain, configuration.domains.keys())
  return { step: 'organization', says: `no connection lists ${domain}${meant === undefined ? '' : `; ${meant} is listed`}`, decider: undefined }
}

/** Nobody signs these people in: they are told so, or go to the login page of the app's own. */
const nowhere = (configuration: Configuration, { email: { domain }, target: { kind, place } }: Question, now: number): Verdict => {
  const none = { remedy: undefined, connection: undefined }
  if (kind === 'login_page') {
    return { ...none, outcome: 'refused', says: 'finds no button on that page', code: 'PORTICO_NO_ACTIVE_CONNECTION', remedy: 'Set one of the organization\'s connections to active.' }
  }
  if (place?.app.appLogin !== undefined) return { ...none, outcome: 'app_login', says: `goes to the app's own login page, ${place.app.appLogin}`, code: undefined }
  const later = opening(configuration, domain, now)
  return {
    ...none,
    outcome: 'refused',
    says: 'is told that there is no sign-in for this e-mail',
    code: 'PORTICO_NO_CONNECTION',
    remedy: later === undefined
      ? `List ${domain} under a connection with status: active, or with a date in activate_at.`
      : `Nothing, if that is meant: ${later.connection.id} signs them in from ${dateText(later.at)} on.`
  }
}

/** The connection that the way leads to, if any, and why it is that one where the e-mail does not say so. */
const choose = (configuration: Configuration, { email: { domain }, target }: Question, now: number): { readonly connection: Connection | undefined, readonly why: string } => {
  const owner = ownerOf(configuration, domain, now)
  if (target.kind === 'login_page') {
    const buttons = target.organization.connections.filter(connection => isActive(connection, now))
    const pressed = buttons.find(button => button === owner) ?? buttons.find(({ assertable }) => assertable.has(domain)) ?? buttons[0]
    return { connection: pressed, why: buttons.length === 1 ? ': the only button on that page' : `: one of ${buttons.length} buttons on that page` }
  }
  if (target.kind === 'auth' && target.named !== undefined) {
    const named = configuration.connections.get(target.named)
    const connection = named === undefined ? undefined : successorOf(configuration, named, now)
    return { connection, why: connection === named ? ': the link names it' : `: it has taken over from ${target.named}, which the link names` }
  }
  const sole = target.place === undefined ? undefined : onlyConnection(configuration, target.place.app.id, now)
  return sole === undefined ? { connection: owner, why: '' } : { connection: sole, why: ': the only way in here, so nobody is asked for an e-mail' }
}

/**
 * From a host and an e-mail to a connection at `now` (seconds), as product.md, flow 3, has it for a
 * browser that remembers nobody.
 */
export const route = (configuration: Configuration, question: Question, now: number): Routed => {
  const { email: { domain } } = question
  const claimants = configuration.domains.get(domain) ?? []
  const { connection, why } = choose(configuration, question, now)
  const organization = organizationStep(configuration, domain, ownerOf(configuration, domain, now) ?? claimants[0])
  const others = claimants.filter(other => other !== connection).map(other => connectionStep(configuration, other, now))
  if (connection === undefined) return { steps: [organization, ...others], verdict: nowhere(configuration, question, now) }
  const steps = [organization, connectionStep(configuration, connection, now, why), ...others]
  if (connection.assertable.has(domain)) return { steps, connection }
  return {
    steps: [...steps, {
      step: 'address',
      says: `${connection.id} may assert ${[...connection.assertable].join(', ')}, and not ${domain}`,
      decider: { file: connection.location.file, path: ['connections', connection.id, 'domains'], key: true }
    }],
    verdict: {
      outcome: 'refused',
      says: `signs in at the provider of ${connection.id}, and is refused on the way back`,
      code: 'PORTICO_EMAIL_DOMAIN',
      remedy: `If ${connection.organization.name} owns ${domain}, add it to domains or accepts of ${connection.id}; else they need another address there.`,
      connection: connection.id
    }
  }
}
