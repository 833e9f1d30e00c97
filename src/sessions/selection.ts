import { z } from 'zod'
import type { Configuration } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import type { Revocation } from '../store/store.ts'

const id = z.string().min(1).max(1_000).refine(text => text.isWellFormed())

const selection = z.union([
  z.strictObject({ session: id }),
  z.strictObject({ member: id }),
  z.strictObject({ organization: id }),
  z.strictObject({ connection: id }),
  z.strictObject({ connection: id, subject: id }),
  z.strictObject({ connection: id, idp_session: id }),
  z.strictObject({ everybody: z.literal(true) })
])

/** Whose sessions an operator wants ended: one thing at a time, so that nothing is left to guess. */
export type Selection = z.infer<typeof selection>

/** What a revocation is of. */
export type Chosen = Pick<Revocation, 'kind' | 'value'>

/** How a selection is written, for whoever wrote it otherwise. */
export const selectionForm = 'an object with one of session, member, organization, connection, everybody: true; or with connection and one of subject, idp_session'

/** What the revocation of a selection is of. */
export const chosenBy = (selected: Selection): Chosen => {
  if ('session' in selected) return { kind: 'session', value: selected.session }
  if ('member' in selected) return { kind: 'member', value: selected.member }
  if ('organization' in selected) return { kind: 'organization', value: selected.organization }
  if ('everybody' in selected) return { kind: 'everybody', value: '' }
  if ('subject' in selected) return { kind: 'subject', value: `${selected.connection}|${selected.subject}` }
  if ('idp_session' in selected) return { kind: 'idp_session', value: `${selected.connection}|${selected.idp_session}` }
  return { kind: 'connection', value: selected.connection }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The selection that a JSON text is. Throws PORTICO_BAD_REQUEST for any other text, and for a connection or an
 * organization that nobody has configured: a name that is misspelt must not pass for one whose sessions have ended.
 */
export const readSelection = (text: string, { organizations, connections }: Pick<Configuration, 'organizations' | 'connections'>): Selection => {
  const { data } = selection.safeParse(parsed(text))
  if (data === undefined) throw new PorticoError('PORTICO_BAD_REQUEST', { wanted: selectionForm, got: 'something else' })
  if ('connection' in data && !connections.has(data.connection)) throw new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a connection that is configured', got: data.connection })
  if ('organization' in data && !organizations.has(data.organization)) throw new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'an organization that is configured', got: data.organization })
  return data
}
