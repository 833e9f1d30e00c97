import { makeApiKey } from '../access/api-key-making.ts'
import { apiKeyState } from '../access/api-key-state.ts'
import { parseEmail } from '../config/schema/email.ts'
import { duration, seconds } from '../config/schema/values.ts'
import { retention } from '../sessions/lifetime.ts'
import type { ApiKey } from '../store/api-keys.ts'
import { text, type Command } from './command.ts'
import { named } from './configured.ts'
import { Stop } from './stop.ts'
import { memberNamed, withStore, type Work } from './with-store.ts'
import { isoTime, plain } from './wording.ts'

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
    const only = text(organization)
    if (only !== undefined) named('organization', only, configuration.organizations)
    const member = await memberNamed(work, text(email) ?? '', only, 'the person must sign in once before they can have an API key')
    const { text: key, key: record } = await makeApiKey(store, configuration, member, {
      label: text(label) ?? 'made by an operator', apps: (text(app) ?? '').split(',').map(id => id.trim()).filter(id => id !== ''), lifetime
    }, now)
    audit.apiKey({ event: 'api_key_made', by: 'operator', key: record, email: member.email })
    context.out(options.json
      ? `${JSON.stringify({ key, id: record.id, member: member.id, organization: member.organization, apps: record.apps, expires_at: isoTime(record.expiresAt) })}\n`
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
    created_at: isoTime(key.createdAt),
    expires_at: isoTime(key.expiresAt),
    last_used_at: key.lastUsedAt === undefined ? undefined : isoTime(key.lastUsedAt),
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
        `${id}  ${state.padEnd(7)}  ${email} of ${organization}  ${apps.join(', ')}  expires ${expires.slice(0, 10)}  last used ${used.slice(0, 10)}  ${plain(label)}\n`).join(''))
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
