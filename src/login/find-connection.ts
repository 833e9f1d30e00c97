import { onlyConnection } from '../access/apps.ts'
import type { Configuration, Connection } from '../config/configuration.ts'
import { parseEmail } from '../config/schema/email.ts'
import { ownerOf } from '../config/standing.ts'
import { clearCookie, cookieValues, emailCookie, setCookie } from '../sessions/cookie.ts'
import type { Sealer } from '../sessions/seal.ts'
import { openSealed, rememberedSchema, sizeOf, type Wanted } from './sealed.ts'
import { only, type Visit } from './visit.ts'

/** Seconds that a browser remembers whose it is. */
const remembered = 180 * 86_400

/** The connection that signs people of this e-mail's domain in: exact match, active at `now` (seconds) (R2). */
export const connectionForEmail = (configuration: Configuration, text: string, now: number): { connection: Connection, email: string } | undefined => {
  const parsed = parseEmail(text.trim())
  if (parsed === undefined) return undefined
  const connection = ownerOf(configuration, parsed.domain, now)
  return connection === undefined ? undefined : { connection, email: parsed.email }
}

/** Where the search for a connection ended. `refused`: the e-mail leads nowhere; `ask`: none was given. */
export type Found =
  | { readonly kind: 'connection', readonly connection: Connection, readonly loginHint: string | undefined }
  | { readonly kind: 'ask' | 'refused', readonly email: string }

/**
 * Finds the connection for a sign-in (product.md, flow 3): a typed e-mail; a hinted one; the only one
 * that the app allows; a remembered e-mail. `email=` with nothing behind it asks.
 */
export const findConnection = (configuration: Configuration, sealer: Sealer, wanted: Wanted | undefined, visit: Visit, now: number): Found => {
  const typed = visit.query.getAll('email')
  if (typed.length > 0) {
    const email = only(visit.query, 'email')
    if (email === undefined) return { kind: typed.length > 1 ? 'refused' : 'ask', email: '' }
    const found = connectionForEmail(configuration, email, now)
    return found === undefined
      ? { kind: 'refused', email }
      : { kind: 'connection', connection: found.connection, loginHint: found.email }
  }
  const hint = hintOf(visit)
  const hinted = hint === undefined ? undefined : connectionForEmail(configuration, hint, now)
  if (hinted !== undefined) return { kind: 'connection', connection: hinted.connection, loginHint: hinted.email }
  const sole = wanted === undefined ? undefined : onlyConnection(configuration, wanted.app, now)
  if (sole !== undefined) {
    const own = recall(configuration, sealer, visit, now)
    // whom the browser remembers is nothing that another company's provider may learn
    return { kind: 'connection', connection: sole, loginHint: hint ?? (own?.connection === sole ? own.email : undefined) }
  }
  if (hint !== undefined) return { kind: parseEmail(hint) === undefined ? 'ask' : 'refused', email: hint }
  const memory = visit.session === undefined ? rememberedEmail(sealer, visit) : undefined
  const recalled = memory === undefined ? undefined : connectionForEmail(configuration, memory, now)
  return recalled === undefined
    ? { kind: 'ask', email: memory ?? '' }
    : { kind: 'connection', connection: recalled.connection, loginHint: recalled.email }
}

/** Bytes of a hint that is passed on to an identity provider, and kept in a cookie meanwhile. */
const longestHint = 320

/** Who the link says will sign in: an e-mail, or whatever the identity provider calls its people. */
export const hintOf = (visit: Visit): string | undefined => {
  const hint = only(visit.query, 'login_hint')
  return hint !== undefined && sizeOf(hint) <= longestHint ? hint : undefined
}

const recall = (configuration: Configuration, sealer: Sealer, visit: Visit, now: number): { connection: Connection, email: string } | undefined => {
  const memory = rememberedEmail(sealer, visit)
  return memory === undefined ? undefined : connectionForEmail(configuration, memory, now)
}

const rememberedEmail = (sealer: Sealer, visit: Visit): string | undefined => {
  for (const value of cookieValues(visit.headers.cookie, emailCookie)) {
    const email = openSealed(sealer, 'email', rememberedSchema, value)?.email
    if (email !== undefined) return email
  }
  return undefined
}

/** Set-Cookie line that remembers whose browser this is. */
export const rememberEmail = (sealer: Sealer, email: string): string => setCookie(emailCookie, sealer.seal('email', { email }), remembered)

/** Set-Cookie line that forgets it. */
export const forgetEmail = (): string => clearCookie(emailCookie)
