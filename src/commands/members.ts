import { isAdmitted } from '../access/members.ts'
import type { Configuration } from '../config/configuration.ts'
import { retention } from '../sessions/lifetime.ts'
import { addressOf, type Member } from '../store/members.ts'
import type { MemberEvent } from '../telemetry/audit.ts'
import { text, type Command, type Context, type Options } from './command.ts'
import { named } from './configured.ts'
import { Stop, wrongUsage } from './stop.ts'
import { emailOf, memberNamed, membersNamed, withStore, type Work } from './with-store.ts'
import { isoTime, plain } from './wording.ts'

/** Members that are asked of the store at once. */
const pageSize = 500

/** `moving`: waits for the next sign-in with the address. The others are refused, by command or as configured. */
const stateOf = ({ organizations }: Configuration, member: Member): 'active' | 'moving' | 'blocked' | 'refused' => {
  if (member.blockedAt !== undefined) return 'blocked'
  const organization = organizations.get(member.organization)
  if (organization === undefined || !isAdmitted(organization, member)) return 'refused'
  return member.subject === undefined ? 'moving' : 'active'
}

/** What an operator reads of a member; the subject tells accounts at the provider apart. */
const described = (configuration: Configuration, member: Member) => ({
  id: member.id,
  state: stateOf(configuration, member),
  email: member.email,
  invited: member.invited,
  name: member.name,
  groups: member.groups,
  organization: member.organization,
  connection: member.connection,
  subject: member.subject,
  created_at: isoTime(member.createdAt),
  signed_in_at: isoTime(member.signedInAt),
  blocked_at: member.blockedAt === undefined ? undefined : isoTime(member.blockedAt)
})

const lineOf = (configuration: Configuration, member: Member): string => {
  const { id, state, email, invited, name = '', organization, connection, signed_in_at: seen } = described(configuration, member)
  return `${id}  ${state.padEnd(7)}  ${invited === undefined ? email : `${invited} (signs in as ${email})`}  ${plain(name)}  ${organization} by ${connection}  last signed in ${seen.slice(0, 10)}\n`
}

const pages = async function * (work: Work, email: string | undefined, organization: string | undefined): AsyncGenerator<readonly Member[]> {
  if (email !== undefined) {
    yield await membersNamed(work, email, organization)
    return
  }
  for (let after: Member | undefined; ;) {
    const page: readonly Member[] = await work.store.listMembers({ organization, after, limit: pageSize })
    yield page
    if (page.length < pageSize) return
    after = page.at(-1)
  }
}

/** `portico members list`: who is recorded, and how they stand. */
export const membersList: Command = {
  name: 'members list',
  summary: 'list members: of everybody, of an organization, or with an e-mail',
  options: ['config', 'json'],
  flags: { organization: { value: 'ID' }, email: { value: 'E-MAIL' } },
  run: (options, context) => withStore(options, context, async work => {
    const email = text(options.flags.email)
    const organization = text(options.flags.organization)
    const lines: string[] = []
    let found = 0
    for await (const page of pages(work, email === undefined ? undefined : emailOf(email), organization)) {
      found += page.length
      if (options.json) lines.push(...page.map(member => JSON.stringify(described(work.configuration, member))))
      else context.out(page.map(member => lineOf(work.configuration, member)).join(''))
    }
    // one that is configured no longer may still have members
    if (found === 0 && organization !== undefined) named('organization', organization, work.configuration.organizations)
    if (options.json) context.out(lines.length === 0 ? '[]\n' : `[\n  ${lines.join(',\n  ')}\n]\n`)
  })
}

const selection = { email: { value: 'E-MAIL' }, organization: { value: 'ID' }, id: { value: 'MEMBER' } }

const selected = async (work: Work, { flags }: Options): Promise<Member> => {
  const [id, email, organization] = [text(flags.id), text(flags.email), text(flags.organization)]
  if ((id === undefined) === (email === undefined)) throw wrongUsage('name a member by --email or by --id')
  if (email !== undefined) return await memberNamed(work, email, organization, 'portico members list shows who is recorded; blocked: in the organization\'s file refuses whoever is not yet')
  const member = await work.store.memberById(id ?? '')
  if (member === undefined || (organization !== undefined && member.organization !== organization)) throw new Stop(`there is no member '${(id ?? '').slice(0, 64)}'${organization === undefined ? '' : ` of ${organization}`}`)
  return member
}

/** Ends the member's sessions and WebSockets, and has API keys looked at anew, in every running gateway. */
const endSessions = async ({ store, configuration }: Work, { id }: Member): Promise<void> => {
  // now, not when the command began: a sign-in may have got in before the member was blocked
  const now = Math.floor(Date.now() / 1_000)
  await store.addRevocation({ kind: 'member', value: id, issuedBefore: now, expiresAt: now + retention(configuration) })
  await store.removeSessions((await store.sessionsOf(id)).map(({ sid }) => sid))
}

type Change = (work: Work, member: Member, options: Options) => Promise<string>

/** A command that changes one member. `change` answers with what it did, in words. */
const changing = (name: string, summary: string, event: MemberEvent['event'], change: Change, flags: NonNullable<Command['flags']> = {}): Command => ({
  name: `members ${name}`,
  summary,
  options: ['config', 'json'],
  flags: { ...selection, ...flags },
  run: (options: Options, context: Context) => withStore(options, context, async work => {
    const member = await selected(work, options)
    const done = await change(work, member, options)
    work.audit.member({ event, by: 'operator', member, to: text(options.flags.to) })
    const now = await work.store.memberById(member.id)
    context.out(options.json
      ? `${JSON.stringify(now === undefined ? { id: member.id, erased: true } : described(work.configuration, now))}\n`
      : `${member.id}, ${addressOf(member)} of ${member.organization}: ${done}\n`)
  })
})

/** `portico members block`: signed out everywhere within a second, and refused from then on. */
export const membersBlock = changing('block', 'sign a member out everywhere and refuse them', 'member_blocked', async (work, member) => {
  await work.store.blockMember(member.id, work.now)
  await endSessions(work, member)
  return 'blocked, and signed out everywhere'
})

/** `portico members unblock`: they may sign in again. */
export const membersUnblock = changing('unblock', 'let a blocked member in again', 'member_unblocked', async ({ store }, member) => {
  await store.unblockMember(member.id)
  return member.blockedAt === undefined ? 'was not blocked' : 'may sign in again'
})

/** `portico members move`: the next sign-in with the address takes the member over, id and all. */
export const membersMove = changing('move', 'let the next sign-in with the e-mail take the member over, also in another organization', 'member_moved', async (work, member, { flags }) => {
  const wanted = text(flags.to)
  const to = wanted === undefined ? member.organization : named('organization', wanted, work.configuration.organizations).id
  await work.store.freeSubject(member.id, to)
  // whoever was signed in is not who will be
  await endSessions(work, member)
  return `the next sign-in with this address in ${to} becomes this member`
}, { to: { value: 'ORGANIZATION' } })

/** `portico members erase`: the record, its API keys and its sessions; a later sign-in is somebody new. */
export const membersErase = changing('erase', 'erase a member and their API keys; a later sign-in gets a new id', 'member_erased', async (work, member) => {
  await work.store.eraseMember(member.id)
  await endSessions(work, member)
  return 'erased, with API keys and sessions'
})
