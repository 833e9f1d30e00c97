import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { BearerIdentity, VerifiedToken } from '../connector.ts'
import { dialectOf } from '../dialects.ts'
import { claim } from './claim.ts'
import type { Claims, Dialect } from './dialect.ts'
import { asPorticoError } from '../failure.ts'
import { mapIdentity, mapPerson } from './identity.ts'
import { readToken, type IdToken } from './id-token.ts'
import { profileFrom } from './profile.ts'
import type { Providers } from './provider.ts'
import { oidcSettings } from './settings.ts'
import { signature } from './signature.ts'
import { hasCome, isAlgorithm, isAudience, isTime, show } from './token-rules.ts'
import { enforce, type Verdict } from '../verdict.ts'

/** Characters of a token (behaviours G12): request headers have 32 KiB in all. */
const longest = 16_384

interface Expectations {
  readonly issuer: string | undefined
  readonly audience: string
  readonly clientId: string
  readonly algorithms: readonly string[]
}

type TokenCheck = (token: IdToken, expected: Expectations, now: number) => Omit<Verdict, 'code'> | undefined

const algorithm: TokenCheck = ({ header: { alg } }, { algorithms }) =>
  ({ name: 'alg', passed: isAlgorithm(alg, algorithms), wanted: algorithms.join(', '), got: show(alg) })

/** RFC 9068 §2.1; many providers write `JWT`, or nothing. */
const type: TokenCheck = ({ header: { typ } }) => ({
  name: 'typ',
  passed: typ === undefined || (typeof typ === 'string' && ['at+jwt', 'application/at+jwt', 'jwt'].includes(typ.toLowerCase())),
  wanted: 'typ at+jwt',
  got: show(typ)
})

/** What an ID token or a logout token has and an access token does not. */
const foreignSigns = ({ nonce, at_hash: atHash, c_hash: cHash, events, token_use: use, typ }: Claims): string | undefined => {
  if ([nonce, atHash, cHash, events].some(value => value !== undefined)) return 'nonce, at_hash, c_hash or events'
  return use === 'id' || (typeof typ === 'string' && /^(?:id|refresh|logout)$/i.test(typ)) ? 'a type of its own' : undefined
}

/** Marks of an access token: RFC 9068 has `client_id` in each, and providers before it one of the others. */
const ownSigns = ['client_id', 'scope', 'scp', 'cid']

/**
 * An ID token is never an access token: it is shown to browsers, and kept by whoever the person ever
 * signed in to. Without `typ: at+jwt` something must say what the token is.
 */
const noIdToken: TokenCheck = ({ header: { typ }, claims }, { clientId }) => {
  const isTyped = typeof typ === 'string' && /at\+jwt$/i.test(typ)
  const isForUs = [claim(claims, 'aud')].flat().includes(clientId)
  const sign = foreignSigns(claims) ?? (isForUs ? 'the client id as aud' : undefined) ??
    (isTyped || ownSigns.some(name => claim(claims, name) !== undefined) ? undefined : `neither typ at+jwt nor ${ownSigns.join(', ')}`)
  return { name: 'kind of token', passed: sign === undefined, wanted: 'an access token, never an ID token', got: sign ?? 'an access token' }
}

/**
 * A program that was given a token for itself (RFC 6749 §4.4) is nobody: its `sub` is its client id
 * (RFC 9068 §2.2), and Entra says `idtyp: app`. It could be called like somebody's account.
 */
const ofPerson: TokenCheck = ({ claims }) => {
  const { sub, idtyp } = claims
  const client = ['client_id', 'cid', 'azp', 'appid'].find(name => sub !== undefined && claim(claims, name) === sub)
  return { name: 'whose token', passed: client === undefined && idtyp !== 'app', wanted: 'a token that a person asked for', got: client === undefined ? `idtyp ${show(idtyp)}` : `the client's own: sub is ${client}` }
}

/** A token that is bound to a key (RFC 9449 §6, RFC 8705 §3) is worth nothing without it, and nobody here asks for the proof. */
const unbound: TokenCheck = ({ claims: { cnf } }) =>
  ({ name: 'cnf', passed: cnf === undefined, wanted: 'a bearer token', got: cnf === undefined ? 'one' : 'one that is bound to a key (DPoP or a client certificate)' })

const issuer: TokenCheck = ({ claims: { iss } }, expected) =>
  ({ name: 'iss', passed: expected.issuer !== undefined && iss === expected.issuer, wanted: expected.issuer ?? 'an issuer that is configured', got: show(iss) })

/** G1: a text, or a list of texts with it. */
const audience: TokenCheck = ({ claims: { aud } }, expected) => ({
  name: 'aud',
  passed: isAudience(aud, expected.audience),
  wanted: `aud ${expected.audience}`,
  got: show(aud)
})

/** G3; unlike an ID token it may have been issued long ago, and its `exp` is its end: what it opens ends with it. */
const times: TokenCheck = ({ claims: { exp, iat, nbf } }, _expected, now) => {
  const isFine = isTime(exp) && exp > now && [nbf, iat].every(time => time === undefined || hasCome(time, now))
  return { name: 'exp, nbf and iat', passed: isFine, wanted: `exp after, nbf and iat before ${Math.floor(now)}`, got: `exp ${show(exp)}, nbf ${show(nbf)}, iat ${show(iat)}` }
}

const checks: readonly TokenCheck[] = [type, noIdToken, ofPerson, unbound, algorithm, issuer, audience, times]

const code = 'PORTICO_BEARER_INVALID'

const refuse = (wanted: string, got: string): PorticoError => new PorticoError(code, { wanted, got })

/** Any refusal of the connector's own checks as one of the token. */
const ofToken = (verdict: Verdict | undefined): Verdict | undefined => verdict === undefined ? undefined : { ...verdict, code }

/** The rule of a sign-in; without an e-mail in the token the subject alone says who it is. */
const identify = (claims: Claims, iss: string, dialect: Dialect, connection: Connection): BearerIdentity => {
  const profile = profileFrom(claims, 'the access token')
  const subject = dialect.tokenSubject(claims, iss)
  if (subject === undefined) throw refuse('the claims that identify a person here', 'not all of them, or no texts')
  const source = { subject, issuedAt: isTime(claims.iat) ? claims.iat : 0 }
  const hasEmail = dialect.claims.email.some(name => claim(claims, name) !== undefined)
  return hasEmail ? mapIdentity(profile, source, dialect, connection) : { ...mapPerson(profile, source, dialect, connection, undefined), email: undefined }
}

/** Verifies JWT access tokens (RFC 9068) of a connection's own provider. */
export const createAccessTokens = ({ providers }: { readonly providers: Providers }) =>
  /**
   * Throws PORTICO_BEARER_INVALID for what is no good access token, PORTICO_IDP_* when keys are out of
   * reach, and what a sign-in would for a person that may not be asserted. `now` in seconds.
   */
  async (connection: Connection, text: string, now: number): Promise<VerifiedToken> => {
    try {
      const { bearer } = connection
      if (bearer === undefined) throw refuse('a connection with bearer', 'one without')
      const token = readToken(text, longest, code)
      const dialect = dialectOf(connection)
      const provider = providers.of(connection)
      const metadata = await provider.metadata()
      const keys = provider.keys(metadata)
      if (dialect.proof !== 'signature' || keys === undefined) throw refuse('a provider whose keys are known', 'one without keys')
      for (const check of dialect.tokenChecks) enforce(ofToken(check(token.claims)), undefined)
      const algorithms = metadata.id_token_signing_alg_values_supported
      const expected = { issuer: dialect.issuerOf(metadata, token.claims), audience: bearer.audience, clientId: oidcSettings(connection).client_id, algorithms }
      for (const check of checks) {
        const verdict = check(token, expected, now)
        enforce(verdict === undefined ? undefined : { ...verdict, code }, undefined)
      }
      const iss = String(token.claims.iss)
      enforce(ofToken(await signature(text, { keys, issuer: iss, algorithms })), undefined)
      return { identity: identify(token.claims, iss, dialect, connection), expiresAt: Number(token.claims.exp) }
    } catch (error) {
      throw asPorticoError(error, connection.id)
    }
  }
