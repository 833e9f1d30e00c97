import type { Configuration } from '../config/configuration.ts'
import { parseEmail } from '../config/schema/email.ts'
import { addressOf, type Member } from '../store/members.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { createAudit, type Audit } from '../telemetry/audit.ts'
import { createLog } from '../telemetry/log.ts'
import type { Context, Options } from './command.ts'
import { configured } from './configured.ts'
import { Stop } from './stop.ts'

/** What a command has that changes what a running gateway has. */
export interface Work {
  readonly configuration: Configuration
  readonly store: Store
  /** Writes to standard error. */
  readonly audit: Audit
  /** Seconds since the epoch. */
  readonly now: number
}

/**
 * Does it with the configuration and the store that a running gateway has. A customer's file that is
 * wrong keeps nobody from blocking a member of another: it is told, and passed over.
 */
export const withStore = async (options: Options, context: Context, work: (work: Work) => Promise<void>): Promise<number> => {
  const configuration = await configured(options, context, true)
  const log = createLog({ level: 'info', destination: { write: context.err } })
  const audit = createAudit(log)
  const store = await openStore(configuration, { log, follows: false })
  try {
    await work({ configuration, store, audit, now: Math.floor(Date.now() / 1_000) })
    return 0
  } finally {
    await store.close()
  }
}

/** The canonical form of an e-mail as it was typed. */
export const emailOf = (address: string): string => {
  const email = parseEmail(address)?.email
  if (email === undefined) throw new Stop(`'${address.slice(0, 80)}' is not an e-mail address`)
  return email
}

/** The members with this e-mail or invited address, of one organization where one is named. */
export const membersNamed = async ({ store }: Work, email: string, organization: string | undefined): Promise<readonly Member[]> =>
  (await store.membersByEmail(email)).filter(member => organization === undefined || member.organization === organization)

/** The one member with this address. `hint` is what to do where there is none. */
export const memberNamed = async (work: Work, address: string, organization: string | undefined, hint: string): Promise<Member> => {
  const email = emailOf(address)
  const members = await membersNamed(work, email, organization)
  const [member, ...others] = members
  if (member === undefined) throw new Stop(`no member${organization === undefined ? '' : ` of ${organization}`} has the e-mail ${email} — ${hint}`)
  if (others.length === 0) return member
  // whoever is invited by a tagged address has the same e-mail as the others; the address itself names one
  const exact = members.filter(candidate => addressOf(candidate) === email)
  if (exact.length === 1 && exact[0] !== undefined) return exact[0]
  throw new Stop(`${email} is ${members.length} members: ${members.map(candidate => `${addressOf(candidate)} of ${candidate.organization} (${candidate.id})`).join(', ')} — name one by --organization, or by the invited address as --email`)
}
