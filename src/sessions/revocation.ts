import { revocationKinds, type Revocation } from '../store/store.ts'
import { nameIdValues, type Named } from './name-id.ts'

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
  /** Forgets what has expired by `now`, in seconds. */
  sweep (now: number): void
}

/** Begins with none: the store is read into it. */
export const createRevocations = (): Revocations => {
  /** By sid or API key id, until when: every sign-out is one of these, so they are plain numbers. */
  const sids = new Map<string, number>()
  const others = new Map<string, { issuedBefore: number, expiresAt: number }>()
  const keyOf = (kind: Revocation['kind'], value: string): string => `${kind} ${value}`
  /** Of each session's NameID what could end it: the same at every request. */
  const named = new WeakMap<object, readonly string[]>()

  const namesOf = (connection: string, nameId: Named, idpSession: string | undefined): readonly string[] => {
    const known = named.get(nameId) ?? nameIdValues(connection, nameId, idpSession)
    named.set(nameId, known)
    return known
  }

  return {
    add ({ kind, value, issuedBefore, expiresAt }) {
      if (kind === 'session' || kind === 'api_key') {
        const isNew = !sids.has(value)
        sids.set(value, Math.max(sids.get(value) ?? 0, expiresAt))
        return isNew
      }
      const key = keyOf(kind, value)
      const before = others.get(key)
      others.set(key, {
        issuedBefore: Math.max(before?.issuedBefore ?? 0, issuedBefore),
        expiresAt: Math.max(before?.expiresAt ?? 0, expiresAt)
      })
      return issuedBefore > (before?.issuedBefore ?? -1)
    },

    matches ({ sid, member, organization, connection, subject, idpSession, saml, startedAt }) {
      // a sid is never used twice: whenever it began, it is over
      if (sid !== undefined && sids.has(sid)) return true
      if (others.size === 0) return false
      const ended = (kind: Revocation['kind'], value: string): boolean =>
        startedAt <= (others.get(keyOf(kind, value))?.issuedBefore ?? -1)
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
      // ids of API keys and sids are apart: either is ended by its value alone
      for (const [value, expiresAt] of sids) yield { kind: 'session', value, issuedBefore: 0, expiresAt }
      for (const [key, { issuedBefore, expiresAt }] of others) {
        const space = key.indexOf(' ')
        const kind = revocationKinds.find(kind => kind === key.slice(0, space))
        if (kind !== undefined) yield { kind, value: key.slice(space + 1), issuedBefore, expiresAt }
      }
    },

    sweep (now) {
      for (const [sid, expiresAt] of sids) if (expiresAt <= now) sids.delete(sid)
      for (const [key, { expiresAt }] of others) if (expiresAt <= now) others.delete(key)
    }
  }
}
