import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Identity, Refreshing, Tokens } from '../connector.ts'
import { dialectOf } from '../dialects.ts'
import { claim } from './claim.ts'
import type { Claims } from './dialect.ts'
import { exchangeRefreshToken } from './exchange.ts'
import type { ProviderRequest } from './provider-request.ts'
import { asPorticoError } from '../failure.ts'
import type { Outbound } from '../outbound/http.ts'
import { userinfoSubject } from './id-token-checks.ts'
import { readIdToken, type IdToken } from './id-token.ts'
import { mapIdentity } from './identity.ts'
import { fromIdToken, fromUserinfo, judgeIdToken, type Told } from './judging.ts'
import { mergeClaims } from './profile.ts'
import type { Providers } from './provider.ts'
import type { TokenAnswer } from './token-answer.ts'
import { userinfoOf } from './userinfo.ts'
import { enforce } from '../verdict.ts'

/** Seconds that an access token counts as good where nobody says (RFC 6749 §5.1 only recommends it). */
const usualLifetime = 3_600

/** What the ID tokens of refreshes may leave out, each of them, since the person did nothing: it is true of the sign-in (Core §12.2). */
const ofTheSignIn = ['acr', 'amr', 'auth_time', 'sid', 'nonce']

const signInOf = ({ idToken, ofSignIn }: Tokens): Claims => {
  if (ofSignIn !== undefined || idToken === undefined) return ofSignIn ?? {}
  const { claims } = readIdToken(idToken)
  return Object.fromEntries(ofTheSignIn.filter(name => Object.hasOwn(claims, name)).map(name => [name, claims[name]]))
}

/** An answer of the token endpoint, to be kept: whatever it leaves out is as before. `now` in seconds. */
export const tokensOf = ({ accessToken, idToken, refreshToken, expiresIn = usualLifetime }: TokenAnswer, before: Tokens, now: number): Tokens => ({
  accessToken,
  accessTokenExpires: Math.floor(now + expiresIn),
  idToken: idToken ?? before.idToken,
  refreshToken: refreshToken ?? before.refreshToken,
  ...before.idToken !== undefined && { ofSignIn: signInOf(before) }
})

/** The claims of the sign-in itself, behind those that are new. */
const completed = ({ header, claims }: IdToken, signIn: Claims): IdToken => ({ header, claims: { ...signIn, ...claims } })

/** Without another ID token: what userinfo now says in the place of what the one before said. */
const fromUserinfoAnew = async (told: Told, before: IdToken): Promise<Identity> => {
  const { connection, dialect, metadata } = told.request
  if (metadata.userinfo_endpoint === undefined) return await fromIdToken(told, before)
  const userinfo = await userinfoOf(told.request, told.tokens.accessToken)
  enforce(userinfoSubject(userinfo, before.claims.sub), undefined)
  const said = new Set(dialect.completed.flat().filter(name => claim(userinfo, name) !== undefined))
  // the word that an e-mail is verified comes from where the e-mail does
  if (said.has('email')) said.add('email_verified')
  const rest = Object.fromEntries(Object.entries(before.claims).filter(([name]) => !said.has(name)))
  const source = { subject: dialect.subject(before.claims, String(before.claims.iss)), issuedAt: Number(before.claims.iat) }
  return mapIdentity(mergeClaims(rest, userinfo, dialect), source, dialect, connection)
}

/** Refreshes by OpenID Connect (behaviours.md J); `clock` tells seconds. */
export const createOidcRefreshing = ({ providers, outbound, clock }: { readonly providers: Providers, readonly outbound: Outbound, readonly clock: () => number }): Refreshing => {
  const requestOf = async (connection: Connection): Promise<ProviderRequest> => {
    const provider = providers.of(connection)
    return { connection, dialect: dialectOf(connection), provider, metadata: await provider.metadata(), outbound, clock }
  }

  return {
    refresh: async (connection, tokens, now) => {
      try {
        if (tokens.refreshToken === undefined) throw new PorticoError('PORTICO_INTERNAL', { wanted: 'a refresh token', got: 'none' })
        return tokensOf(await exchangeRefreshToken(await requestOf(connection), tokens.refreshToken), tokens, now)
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    },

    identify: async (connection, tokens, before, now) => {
      try {
        const request = await requestOf(connection)
        const { accessToken, idToken, refreshToken } = tokens
        if (accessToken === undefined) throw new PorticoError('PORTICO_INTERNAL', { wanted: 'an access token', got: 'none' })
        // what was kept is what was judged when it came
        const old = before.idToken === undefined ? undefined : readIdToken(before.idToken)
        const isNew = idToken !== undefined && idToken !== before.idToken
        const signIn = signInOf(before)
        const told = {
          request,
          tokens: { accessToken, idToken, refreshToken, expiresIn: undefined },
          nonce: undefined,
          before: old === undefined ? undefined : { ...old.claims, nonce: signIn.nonce },
          now,
          trace: undefined
        }
        const token = isNew ? await judgeIdToken(told) : old
        if (request.dialect.proof === 'userinfo') return await fromUserinfo(told, token)
        if (token === undefined) throw new PorticoError('PORTICO_ID_TOKEN_MISSING', { wanted: 'an ID token, now or before', got: 'none' })
        const whole = completed(token, signIn)
        return isNew ? await fromIdToken(told, whole) : await fromUserinfoAnew(told, whole)
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    }
  }
}
