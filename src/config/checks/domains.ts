import { dateText } from '../dates.ts'
import type { Report } from '../reporter.ts'
import { canonicalDomain } from '../schema/domain.ts'
import type { Path } from '../source.ts'
import { beginOf, endOf, heirsOf, type ConnectionDraft, type OrganizationDraft, type Tenure } from './tenure.ts'

/** Where a connection lists a domain. */
type Place = readonly ['domains' | 'accepts', number]

/** The domains of a connection, canonical, each where it stands first; and where one stands once more. */
const listedBy = (connection: ConnectionDraft): { readonly first: ReadonlyMap<string, Place>, readonly again: readonly (readonly [string, Place])[] } => {
  const first = new Map<string, Place>()
  const again: [string, Place][] = []
  for (const key of ['domains', 'accepts'] as const) {
    for (const [index, domain] of connection[key]?.entries() ?? []) {
      const canonical = domain === undefined ? undefined : canonicalDomain(domain)
      if (canonical === undefined) continue
      if (first.has(canonical)) again.push([canonical, [key, index]])
      else first.set(canonical, [key, index])
    }
  }
  return { first, again }
}

/** Every domain that a connection may assert, canonical. */
export const domainsOf = (connection: ConnectionDraft): Iterable<string> => listedBy(connection).first.keys()

/** A connection lists a domain once. `at` is where it stands. */
export const checkListedDomains = (file: string, at: Path, connection: ConnectionDraft, report: Report): void => {
  for (const [domain, place] of listedBy(connection).again) {
    report({ file, path: [...at, ...place], message: `'${domain}' is listed twice`, remedy: 'keep one of the two' })
  }
}

/** A connection that may assert a domain, while it is in force. */
interface Claim extends Tenure {
  readonly connection: string
  readonly organization: string
  readonly file: string
  readonly path: Path
  /** Its people are routed to the connection; `accepts` does not. */
  readonly isRouted: boolean
}

/** Whether two claims cannot stand beside each other: two owners, or two organizations of one domain. */
const areRivals = (one: Claim, other: Claim): boolean =>
  (one.connection !== other.connection || one.organization !== other.organization) &&
  (one.organization !== other.organization || (one.isRouted && other.isRouted)) &&
  Math.max(one.from, other.from) < Math.min(one.until, other.until)

/**
 * One active owner for each domain at every date from `now` (seconds) on, and no connection that speaks
 * for a domain of another organization. Testing ones may share (product R2, R10; behaviours.md N1, N4).
 */
export const createDomainCheck = (now: number, report: Report): (organization: OrganizationDraft) => void => {
  const claims = new Map<string, Claim[]>()

  const reportRivals = (domain: string, claim: Claim, rival: Claim): void => {
    const date = Math.max(claim.from, rival.from)
    const when = date > now ? `from ${dateText(date)} on` : 'already'
    // what is wrong is the one that only accepts it, whichever was read first
    const [wrong, right] = claim.isRouted && !rival.isRouted ? [rival, claim] : [claim, rival]
    const owner = `${right.connection} of ${right.organization}`
    if (wrong.isRouted) {
      report({
        file: wrong.file, path: wrong.path, message: `'${domain}' is active in the connection ${owner} ${when}`, remedy: 'one active connection a domain: remove it from one, set one to testing, or let one replace the other'
      })
    } else {
      report({
        file: wrong.file, path: wrong.path, message: `'${domain}' belongs to the connection ${owner} ${when}`, remedy: 'a connection speaks for domains of its own organization only: remove it from one of the two'
      })
    }
  }

  const claim = (domain: string, made: Claim): void => {
    if (made.from >= made.until) return
    const others = claims.get(domain)
    if (others === undefined) {
      claims.set(domain, [made])
      return
    }
    const rival = others.find(other => areRivals(other, made))
    if (rival === undefined) others.push(made)
    else reportRivals(domain, made, rival)
  }

  return organization => {
    const { id, file, settings } = organization
    const heirs = heirsOf(organization)
    for (const [name, connection] of Object.entries(settings.connections ?? {})) {
      if (connection === undefined) continue
      const tenure = { from: Math.max(beginOf(connection), now), until: endOf(organization, heirs.get(name)) }
      for (const [domain, place] of listedBy(connection).first) {
        claim(domain, { ...tenure, connection: name, organization: id, file, path: ['connections', name, ...place], isRouted: place[0] === 'domains' })
      }
    }
  }
}
