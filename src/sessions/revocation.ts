import { revocationKinds, type Revocation } from '../store/store.ts'
import { nameIdValues, type Named } from './name-id.ts'
import { createTextTable, fits } from './text-table.ts'

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

/** Places that one sweep looks at: a millisecond of work. */
const swept = 200_000

/** A moment in seconds as a table holds it. */
const whole = (seconds: number): number => Math.min(Math.max(Math.floor(seconds), 0), always)

/** A sid is never used twice, nor is the id of an API key: whenever it began, it is over. */
const isById = (kind: Revocation['kind']): boolean => kind === 'session' || kind === 'api_key'

/** Begins with none: the store is read into it. A million take about seventy megabytes (`bench/revocations.ts`). */
export const createRevocations = (): Revocations => {
  const tags = new Map(revocationKinds.map((kind, tag) => [kind, tag]))
  const tagOf = (kind: Revocation['kind']): number => isById(kind) ? 0 : tags.get(kind) ?? 0
  const ids = createTextTable()
  const others = createTextTable()
  /** Those whose value no table takes: a subject in Greek, or as long as a page. */
  const odd = new Map<string, Revocation>()
  /** Of each session's NameID what could end it: the same at every request. */
  const named = new WeakMap<object, readonly string[]>()

  const namesOf = (connection: string, nameId: Named, idpSession: string | undefined): readonly string[] => {
    const known = named.get(nameId) ?? nameIdValues(connection, nameId, idpSession)
    named.set(nameId, known)
    return known
  }

  const oddKey = (kind: Revocation['kind'], value: string): string => `${tagOf(kind)} ${value}`

  return {
    add ({ kind, value, issuedBefore, expiresAt }) {
      const moment = isById(kind) ? always : whole(issuedBefore)
      const until = whole(Math.ceil(expiresAt))
      if (!fits(value)) {
        const before = odd.get(oddKey(kind, value))
        odd.set(oddKey(kind, value), { kind: isById(kind) ? 'session' : kind, value, issuedBefore: Math.max(before?.issuedBefore ?? 0, moment), expiresAt: Math.max(before?.expiresAt ?? 0, until) })
        return moment > (before?.issuedBefore ?? -1)
      }
      const table = isById(kind) ? ids : others
      const place = table.find(tagOf(kind), value)
      const before = place === -1 ? -1 : table.firstAt(place)
      table.set(tagOf(kind), value, Math.max(before, moment), place === -1 ? until : Math.max(table.secondAt(place), until))
      return moment > before
    },

    matches ({ sid, member, organization, connection, subject, idpSession, saml, startedAt }) {
      if (sid !== undefined && (ids.find(0, sid) !== -1 || (odd.size > 0 && odd.has(oddKey('session', sid))))) return true
      if (others.size === 0 && odd.size === 0) return false
      const ended = (kind: Revocation['kind'], value: string): boolean => {
        const place = others.find(tagOf(kind), value)
        if (place !== -1) return startedAt <= others.firstAt(place)
        return odd.size > 0 && startedAt <= (odd.get(oddKey(kind, value))?.issuedBefore ?? -1)
      }
      return ended('everybody', '') ||
        ended('organization', organization) ||
        ended('connection', connection) ||
        (member !== undefined && ended('member', member)) ||
        (subject !== undefined && ended('subject', `${connection}|${subject}`)) ||
        (idpSession !== undefined && ended('idp_session', `${connection}|${idpSession}`)) ||
        (saml !== undefined && ended('certificate', `${connection}|${saml.certificate}`)) ||
        (saml?.nameId !== undefined && namesOf(connection, saml.nameId, idpSession).some(value => ended('name_id', value)))
    },

    * all () {
      // of an API key the id is as good as a sid: either is ended by its value alone
      for (const [, value, , expiresAt] of ids.entries()) yield { kind: 'session', value, issuedBefore: 0, expiresAt }
      for (const [tag, value, issuedBefore, expiresAt] of others.entries()) {
        const kind = revocationKinds[tag]
        if (kind !== undefined) yield { kind, value, issuedBefore, expiresAt }
      }
      yield * odd.values()
    },

    sweep (now) {
      const isOver = (expiresAt: number): boolean => expiresAt <= now
      ids.prune(swept, isOver)
      others.prune(swept, isOver)
      for (const [key, { expiresAt }] of odd) if (isOver(expiresAt)) odd.delete(key)
    }
  }
}
