import { makeApiKey } from '../access/api-key-making.ts'
import { apiKeyState } from '../access/api-key-state.ts'
import type { Configuration } from '../config/configuration.ts'
import { loadConfiguration } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import { parseEmail } from '../config/schema/email.ts'
import { duration, seconds } from '../config/schema/values.ts'
import { PorticoError } from '../errors.ts'
import { retention } from '../sessions/lifetime.ts'
import type { ApiKey } from '../store/api-keys.ts'
import { addressOf, type Member } from '../store/members.ts'
import { createSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { createAudit, type Audit } from '../telemetry/audit.ts'
import { createLog } from '../telemetry/log.ts'
import type { Command, Context, Options } from './command.ts'

interface Work {
  readonly configuration: Configuration
  readonly store: Store
  readonly audit: Audit
  /** Seconds since the epoch. */
  readonly now: number
}

/** Something that the person at the command line must know: told, and status 1. */
class Stop extends Error {}

/** Does it with the configuration and the store that a running gateway has. */
const withStore = async ({ config }: Options, { env, cwd, err }: Context, work: (work: Work) => Promise<void>): Promise<number> => {
  const { configuration, problems } = await loadConfiguration({ file: config, env })
  if (configuration === undefined) {
    for (const problem of problems) err(`${formatProblem(problem, cwd)}\n`)
    return 1
  }
  const audit = createAudit(createLog({ level: 'info', destination: { write: err } }))
  const store = createSqliteStore({ path: configuration.store.path })
  try {
    await work({ configuration, store, audit, now: Math.floor(Date.now() / 1_000) })
    return 0
  } catch (error) {
    if (!(error instanceof Stop) && !(error instanceof PorticoError)) throw error
    err(`portico: ${error.message}${error instanceof PorticoError ? ` — ${error.remedy}` : ''}\n`)
    return 1
  } finally {
    await store.close()
  }
}

const text = (value: string | true | undefined): string | undefined => typeof value === 'string' ? value : undefined

const date = (at: number): string => new Date(at * 1_000).toISOString()

/** The one member with this address, of this organization where one is named. */
const ownerOf = async ({ store }: Work, address: string, organization: string | undefined): Promise<Member> => {
  const email = parseEmail(address)?.email
  if (email === undefined) throw new Stop(`'${address.slice(0, 80)}' is not an e-mail address`)
  const all = await store.membersByEmail(email)
  const members = all.filter(member => organization === undefined || member.organization === organization)
  const [member, ...others] = members
  if (member === undefined) {
    const where = organization === undefined ? '' : ` of ${organization}`
    throw new Stop(`no member${where} has the e-mail ${email} — the person must sign in once before they can have an API key`)
  }
  if (others.length === 0) return member
  // whoever is invited by a tagged address has the same e-mail as the others; the address itself names one
  const exact = members.filter(candidate => addressOf(candidate) === email)
  if (exact.length === 1 && exact[0] !== undefined) return exact[0]
  throw new Stop(`${email} is ${members.length} members: ${members.map(candidate => `${addressOf(candidate)} of ${candidate.organization} (${candidate.id})`).join(', ')} — name one by --organization, or by the invited address as --email`)
}

const lifetimeOf = (expires: string | undefined): number | undefined => {
  if (expires === undefined) return undefined
  if (!duration.safeParse(expires).success) throw new Stop(`--expires wants a duration like 90d, not '${expires.slice(0, 40)}'`)
  return seconds(expires)
}

/** `portico api-keys create`: makes a key for somebody who has signed in before, and prints it, once. */
export const apiKeysCreate: Command = {
  name: 'api-keys create',
  summary: 'make an API key for a member and print it, once',
  options: ['config', 'json'],
  flags: {
    email: { value: 'E-MAIL', required: true },
    app: { value: 'APP', required: true, repeated: true },
    organization: { value: 'ID' },
    label: { value: 'TEXT' },
    expires: { value: '90d' }
  },
  run: (options, context) => withStore(options, context, async work => {
    const { store, configuration, audit, now } = work
    const { email, app, organization, label, expires } = options.flags
    const lifetime = lifetimeOf(text(expires))
    const named = text(organization)
    if (named !== undefined && !configuration.organizations.has(named)) throw new Stop(`there is no organization '${named.slice(0, 64)}'`)
    const member = await ownerOf(work, text(email) ?? '', named)
    const { text: key, key: record } = await makeApiKey(store, configuration, member, {
      label: text(label) ?? 'made by an operator', apps: (text(app) ?? '').split(',').map(id => id.trim()).filter(id => id !== ''), lifetime
    }, now)
    audit.apiKey({ event: 'api_key_made', by: 'operator', key: record, email: member.email })
    context.out(options.json
      ? `${JSON.stringify({ key, id: record.id, member: member.id, organization: member.organization, apps: record.apps, expires_at: date(record.expiresAt) })}\n`
      : `${key}\n`)
  })
}

/** What an operator reads of a key. */
const described = async ({ store, configuration, now }: Work, key: ApiKey) => {
  const member = await store.memberById(key.member)
  return {
    id: key.id,
    label: key.label,
    member: key.member,
    email: member?.email,
    organization: key.organization,
    apps: key.apps,
    created_at: date(key.createdAt),
    expires_at: date(key.expiresAt),
    last_used_at: key.lastUsedAt === undefined ? undefined : date(key.lastUsedAt),
    state: member === undefined ? 'ended' : apiKeyState(configuration, key, member, now)
  }
}

/** `portico api-keys list`: every key, and how it stands. */
export const apiKeysList: Command = {
  name: 'api-keys list',
  summary: 'list the API keys of all members',
  options: ['config', 'json'],
  flags: { email: { value: 'E-MAIL' }, organization: { value: 'ID' } },
  run: (options, context) => withStore(options, context, async work => {
    const email = text(options.flags.email)
    const organization = text(options.flags.organization)
    const owners = email === undefined ? undefined : new Set((await work.store.membersByEmail(parseEmail(email)?.email ?? email)).map(({ id }) => id))
    const keys = (await work.store.apiKeys()).filter(key =>
      (owners === undefined || owners.has(key.member)) && (organization === undefined || key.organization === organization))
    const lines = await Promise.all(keys.map(key => described(work, key)))
    context.out(options.json
      ? `${JSON.stringify(lines, null, 2)}\n`
      : lines.map(({ id, state, email = '?', organization, apps, expires_at: expires, last_used_at: used = 'never', label }) =>
        `${id}  ${state.padEnd(7)}  ${email} of ${organization}  ${apps.join(', ')}  expires ${expires.slice(0, 10)}  last used ${used.slice(0, 10)}  ${label}\n`).join(''))
  })
}

/** `portico api-keys revoke`: for good, in every running gateway within a second. */
export const apiKeysRevoke: Command = {
  name: 'api-keys revoke',
  summary: 'revoke an API key by its id',
  options: ['config', 'json'],
  words: ['<id>'],
  run: (options, context) => withStore(options, context, async ({ store, configuration, audit, now }) => {
    const [id = ''] = options.words
    const [key] = await store.removeApiKeys([id])
    if (key === undefined) throw new Stop(`there is no API key '${id.slice(0, 64)}' — portico api-keys list shows their ids`)
    await store.addRevocation({ kind: 'api_key', value: key.id, issuedBefore: now, expiresAt: now + retention(configuration) })
    audit.apiKey({ event: 'api_key_revoked', by: 'operator', key })
    context.out(options.json ? `${JSON.stringify({ id: key.id, revoked: true })}\n` : `revoked ${key.id}\n`)
  })
}
