import { isAdmitted } from '../access/members.ts'
import { parseEmail } from '../config/schema/email.ts'
import { isActive } from '../config/standing.ts'
import { limitsFor, retention } from '../sessions/lifetime.ts'
import { factsOf } from '../sessions/records.ts'
import { createRevocations } from '../sessions/revocation.ts'
import { chosenBy, type Chosen } from '../sessions/selection.ts'
import { changesAfter } from '../store/changes.ts'
import type { SessionRecord } from '../store/sessions.ts'
import { text, type Command, type Options } from './command.ts'
import { named } from './configured.ts'
import { Stop, wrongUsage } from './stop.ts'
import { emailOf, membersNamed, withStore, type Work } from './with-store.ts'
import { count, isoTime, plain } from './wording.ts'

/** Sessions that are asked of the store at once. */
const pageSize = 500

const pages = async function * (work: Work, { flags }: Options): AsyncGenerator<readonly SessionRecord[]> {
  const [email, member, organization] = [text(flags.email), text(flags.member), text(flags.organization)]
  if (email !== undefined || member !== undefined) {
    const members = email === undefined ? [] : (await membersNamed(work, parseEmail(email)?.email ?? email, organization)).map(({ id }) => id)
    for (const id of member === undefined ? members : [member]) {
      if (email === undefined || members.includes(id)) yield await work.store.sessionsOf(id)
    }
    return
  }
  for (let after: SessionRecord | undefined; ;) {
    const page: readonly SessionRecord[] = await work.store.listSessions({ organization, after, limit: pageSize })
    yield page
    if (page.length < pageSize) return
    after = page.at(-1)
  }
}

/** Seconds by which the store may lag behind what gateways have seen. */
const lag = 60

/** Tells when a recorded session was last seen; undefined where it is over before its time. Judges as a gateway does on the auth host. */
const createJudge = async ({ store, configuration, now }: Work): Promise<(record: SessionRecord) => Promise<number | undefined>> => {
  const revocations = createRevocations()
  const generations = new Map<string, number>()
  for await (const changes of changesAfter(store, '')) {
    for (const revocation of changes.revocations) revocations.add(revocation)
    for (const { connection, generation } of changes.trust) generations.set(connection, generation)
  }
  return async record => {
    const facts = factsOf(record, configuration.authHost)
    const connection = configuration.connections.get(record.connection)
    if (facts === undefined || connection === undefined || connection.organization.id !== record.organization || !isActive(connection, now)) return undefined
    const isTrusted = generations.get(connection.id) === facts.generation && isAdmitted(connection.organization, { email: record.email, invited: facts.invited })
    if (!isTrusted || revocations.matches(facts)) return undefined
    const seen = Math.max(record.startedAt, await store.lastSeen(record.sid) ?? 0)
    return now < seen + limitsFor(configuration, connection.organization).idle + lag ? seen : undefined
  }
}

/** What an operator reads of a session; the sid ends it, and signs nobody in. */
const described = (record: SessionRecord, lastSeen: number) => ({
  sid: record.sid,
  member: record.member,
  email: record.email,
  organization: record.organization,
  connection: record.connection,
  browser: record.browser,
  client: record.client,
  started_at: isoTime(record.startedAt),
  last_seen_at: isoTime(lastSeen),
  expires_at: isoTime(record.expiresAt)
})

const lineOf = ({ sid, email, organization, connection, browser = 'unknown browser', client, started_at: started, last_seen_at: seen }: ReturnType<typeof described>): string =>
  `${sid}  ${plain(email)} of ${organization} by ${connection}  ${plain(browser)} at ${plain(client)}  since ${started.slice(0, 16)}Z, last seen ${seen.slice(0, 16)}Z\n`

/** `portico sessions list`: who is signed in, from where. */
export const sessionsList: Command = {
  name: 'sessions list',
  summary: 'list the sessions that are alive, oldest first',
  options: ['config', 'json'],
  flags: { organization: { value: 'ID' }, connection: { value: 'ID' }, email: { value: 'E-MAIL' }, member: { value: 'ID' } },
  run: (options, context) => withStore(options, context, async work => {
    const { organization, connection } = options.flags
    const seenAt = await createJudge(work)
    const isWanted = (record: SessionRecord): boolean =>
      (organization === undefined || record.organization === organization) && (connection === undefined || record.connection === connection)
    const lines: string[] = []
    for await (const page of pages(work, options)) {
      const found = (await Promise.all(page.filter(isWanted).map(async record => {
        const seen = await seenAt(record)
        return seen === undefined ? [] : [described(record, seen)]
      }))).flat()
      if (options.json) lines.push(...found.map(each => JSON.stringify(each)))
      else context.out(found.map(lineOf).join(''))
    }
    if (options.json) context.out(lines.length === 0 ? '[]\n' : `[\n  ${lines.join(',\n  ')}\n]\n`)
  })
}

const selectors = ['email', 'member', 'organization', 'connection', 'subject', 'idp-session', 'everybody'] as const

const usage = 'name what is to end, once: a session id, --email, --member, --organization, --connection (alone, or with --subject or --idp-session), or --everybody'

/** What the command line chooses, each with how it is told. */
const chosen = async (work: Work, { words: [sid], flags }: Options): Promise<readonly (Chosen & { readonly told: string })[]> => {
  const { configuration: { organizations, connections }, store } = work
  const given = selectors.filter(selector => flags[selector] !== undefined)
  const [organization, connection, subject, idpSession] = [text(flags.organization), text(flags.connection), text(flags.subject), text(flags['idp-session'])]
  const one = (told: string, of: Chosen) => [{ ...of, told }]

  switch ([...sid === undefined ? [] : ['sid'], ...given].join(' ')) {
    case 'sid': return one(`session ${sid ?? ''}`, chosenBy({ session: sid ?? '' }))
    case 'email':
    case 'email organization': {
      const email = emailOf(text(flags.email) ?? '')
      const members = await membersNamed(work, email, organization)
      if (members.length === 0) throw new Stop(`no member${organization === undefined ? '' : ` of ${organization}`} has the e-mail ${email} — portico members list shows who is recorded`)
      return members.map(({ id, organization: of }) => ({ ...chosenBy({ member: id }), told: `${email} of ${of} (${id})` }))
    }
    case 'member': {
      const member = await store.memberById(text(flags.member) ?? '')
      if (member === undefined) throw new Stop(`there is no member '${(text(flags.member) ?? '').slice(0, 64)}' — portico members list shows who is recorded`)
      return one(`${member.email} of ${member.organization} (${member.id})`, chosenBy({ member: member.id }))
    }
    case 'organization': return one(`organization ${organization ?? ''}`, chosenBy({ organization: named('organization', organization ?? '', organizations).id }))
    case 'everybody': return one('everybody', chosenBy({ everybody: true }))
    case 'connection':
    case 'connection subject':
    case 'connection idp-session': {
      const { id } = named('connection', connection ?? '', connections)
      if (subject !== undefined) return one(`subject ${subject} at ${id}`, chosenBy({ connection: id, subject }))
      if (idpSession !== undefined) return one(`session ${idpSession} of the identity provider of ${id}`, chosenBy({ connection: id, idp_session: idpSession }))
      return one(`connection ${id}`, chosenBy({ connection: id }))
    }
    default: throw wrongUsage(usage)
  }
}

/** The records that the lists are to show no longer; of whole organizations they are left to expire. */
const recordsOf = async ({ store }: Work, { kind, value }: Chosen): Promise<readonly SessionRecord[]> => {
  if (kind === 'member') return await store.sessionsOf(value)
  const record = kind === 'session' ? await store.sessionById(value) : undefined
  return record === undefined ? [] : [record]
}

/** `portico sessions revoke`: signed out in every running gateway within a second, WebSockets included. */
export const sessionsRevoke: Command = {
  name: 'sessions revoke',
  summary: 'sign out: a session, somebody, an organization, a connection, everybody',
  options: ['config', 'json'],
  words: ['[sid]'],
  flags: {
    email: { value: 'E-MAIL' },
    member: { value: 'ID' },
    organization: { value: 'ID' },
    connection: { value: 'ID' },
    subject: { value: 'SUBJECT' },
    'idp-session': { value: 'SID' },
    everybody: {}
  },
  run: (options, context) => withStore(options, context, async work => {
    const { store, configuration, audit } = work
    const done: (Chosen & { told: string, sessions: number | undefined })[] = []
    for (const { kind, value, told } of await chosen(work, options)) {
      // now, not when the command began: a sign-in may have got in meanwhile
      const now = Math.floor(Date.now() / 1_000)
      await store.addRevocation({ kind, value, issuedBefore: now, expiresAt: now + retention(configuration) })
      const records = await recordsOf(work, { kind, value })
      await store.removeSessions(records.map(({ sid }) => sid))
      audit.revocation({ by: 'operator', kind, value })
      done.push({ kind, value, told, sessions: kind === 'member' || kind === 'session' ? records.length : undefined })
    }
    context.out(options.json
      ? `${JSON.stringify({ revoked: done.map(({ kind, value, sessions }) => ({ kind, value, sessions })) })}\n`
      : done.map(({ told, sessions }) => `signed out: ${plain(told)}${sessions === undefined ? '' : `, ${count(sessions, 'recorded session')}`}\n`).join(''))
  })
}
