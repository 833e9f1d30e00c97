import { revocationKinds, type Revocation } from '../store/store.ts'
import { nameIdValues, type Named } from './name-id.ts'
import { createTextTable, fits, type TextTable } from './text-table.ts'

/** What a sealed session or a login attempt says of itself, as far as it knows. */
export interface Revocable {
  /** Of a session, or the id of an API key. */
  readonly sid?: string | undefined
  readonly member?: string | undefined
  readonly organization: string
  readonly connection: string
  readonly subject?: string | undefined
  readonly idpSession?: string | undefined
  readonly saml?: { readonly certificate: string, readonly nameId?: { readonly value: string, readonly format?: string | undefined } | undefined } | undefined
  /** Seconds since the epoch. */
  readonly startedAt: number
}

/** Every revocation that can still match something, in memory. */
export interface Revocations {
  /** Tells whether it ends anything that was not ended already. */
  add (revocation: Revocation): boolean
  matches (what: Revocable): boolean
  /** Every one of them, to be told again. */
  all (): Iterable<Revocation>
  /** Forgets some of what has expired by `now`, in seconds; of hundreds of thousands all only after some calls. */
  sweep (now: number): void
}

/** Of what was ended whenever it began. */
const always = 2 ** 32 - 1

/** Places of each table that one sweep looks at: a millisecond of work. */
const swept = 200_000

/** A moment in seconds as a table holds it. */
const whole = (seconds: number): number => Math.min(Math.max(Math.floor(seconds), 0), always)

/** Begins with none: the store is read into it. A million take about seventy megabytes (`bench/revocations.ts`). */
export const createRevocations = (): Revocations => {
  /** Sids and ids of API keys: neither is ever used twice, so that either is ended by its value alone, whenever it began. */
  const ids = createTextTable()
  const tables: Readonly<Record<Revocation['kind'], TextTable>> = {
    session: ids,
    api_key: ids,
    member: createTextTable(),
    subject: createTextTable(),
    nameless_subject: createTextTable(),
    idp_session: createTextTable(),
    name_id: createTextTable(),
    certificate: createTextTable(),
    connection: createTextTable(),
    organization: createTextTable(),
    everybody: createTextTable()
  }
  const distinct = revocationKinds.filter(kind => kind !== 'api_key')
  const told = (kind: Revocation['kind'], value: string, issuedBefore: number, expiresAt: number): Revocation =>
    ({ kind, value, issuedBefore: issuedBefore === always ? 0 : issuedBefore, expiresAt })
  /** Those whose value no table takes, by kind and value: a subject in Greek, or as long as a page. */
  const odd = new Map<string, Revocation>()
  /** Of each session's NameID what could end it: the same at every request. */
  const named = new WeakMap<object, readonly string[]>()

  const namesOf = (connection: string, nameId: Named, idpSession: string | undefined): readonly string[] => {
    const known = named.get(nameId) ?? nameIdValues(connection, nameId, idpSession)
    named.set(nameId, known)
    return known
  }

  /** Most kinds are nearly always empty: their values need not even be put together. */
  const hasAny = (kind: Revocation['kind']): boolean => tables[kind].size > 0 || odd.size > 0

  /** Until which beginning everything of this value is ended; -1 for none. */
  const endedUntil = (kind: Revocation['kind'], value: string): number => {
    const place = tables[kind].find(value)
    if (place !== -1) return tables[kind].firstAt(place)
    return odd.size === 0 ? -1 : odd.get(`${kind} ${value}`)?.issuedBefore ?? -1
  }

  const keep = (kind: Revocation['kind'], value: string, issuedBefore: number, expiresAt: number): void => {
    if (fits(value)) {
      const place = tables[kind].find(value)
      tables[kind].set(value, issuedBefore, place === -1 ? expiresAt : Math.max(expiresAt, tables[kind].secondAt(place)))
    } else odd.set(`${kind} ${value}`, { kind, value, issuedBefore, expiresAt: Math.max(expiresAt, odd.get(`${kind} ${value}`)?.expiresAt ?? 0) })
  }

  return {
    add ({ kind: given, value, issuedBefore, expiresAt }) {
      const kind = given === 'api_key' ? 'session' : given
      const before = endedUntil(kind, value)
      const until = kind === 'session' ? always : whole(issuedBefore)
      keep(kind, value, Math.max(before, until), whole(Math.ceil(expiresAt)))
      return until > before
    },

    matches ({ sid, member, organization, connection, subject, idpSession, saml, startedAt }) {
      const ended = (kind: Revocation['kind'], value: string): boolean => startedAt <= endedUntil(kind, value)
      return (sid !== undefined && endedUntil('session', sid) !== -1) ||
        (hasAny('everybody') && ended('everybody', '')) ||
        (hasAny('organization') && ended('organization', organization)) ||
        (hasAny('connection') && ended('connection', connection)) ||
        (hasAny('member') && member !== undefined && ended('member', member)) ||
        (hasAny('subject') && subject !== undefined && ended('subject', `${connection}|${subject}`)) ||
        (hasAny('nameless_subject') && subject !== undefined && idpSession === undefined && ended('nameless_subject', `${connection}|${subject}`)) ||
        (hasAny('idp_session') && idpSession !== undefined && ended('idp_session', `${connection}|${idpSession}`)) ||
        (hasAny('certificate') && saml !== undefined && ended('certificate', `${connection}|${saml.certificate}`)) ||
        (hasAny('name_id') && saml?.nameId !== undefined && namesOf(connection, saml.nameId, idpSession).some(value => ended('name_id', value)))
    },

    * all () {
      for (const kind of distinct) {
        for (const [value, issuedBefore, expiresAt] of tables[kind].entries()) yield told(kind, value, issuedBefore, expiresAt)
      }
      for (const { kind, value, issuedBefore, expiresAt } of odd.values()) yield told(kind, value, issuedBefore, expiresAt)
    },

    sweep (now) {
      const isOver = (expiresAt: number): boolean => expiresAt <= now
      for (const kind of distinct) tables[kind].prune(swept, isOver)
      for (const [key, { expiresAt }] of odd) if (isOver(expiresAt)) odd.delete(key)
    }
  }
}
