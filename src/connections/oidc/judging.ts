import { PorticoError } from '../../errors.ts'
import type { Identity } from '../connector.ts'
import type { Trace } from '../trace.ts'
import type { Claims } from './dialect.ts'
import { accessTokenHash, checkIdToken, userinfoSubject } from './id-token-checks.ts'
import { readIdToken, type IdToken } from './id-token.ts'
import { mapIdentity } from './identity.ts'
import { lacksClaims, mergeClaims, profileFrom } from './profile.ts'
import { oidcSettings } from './settings.ts'
import { signature } from './signature.ts'
import type { TokenAnswer } from './token-answer.ts'
import type { ProviderRequest } from './provider-request.ts'
import { plainUserinfo, userinfoOf } from './userinfo.ts'
import { enforce } from '../verdict.ts'

/** What a token endpoint gave, to be judged. */
export interface Told {
  readonly request: ProviderRequest
  readonly tokens: TokenAnswer
  /** Of the attempt; undefined for a refresh, which has none. */
  readonly nonce: string | undefined
  /** Of a refresh: the claims of the ID token before, as far as there was one (Core §12.2). */
  readonly before?: Claims | undefined
  readonly now: number
  readonly trace: Trace | undefined
}

/** The ID token, judged in full; undefined where there is none and need not be. */
export const judgeIdToken = async ({ request, tokens, nonce, before, now, trace }: Told): Promise<IdToken | undefined> => {
  const { connection, dialect, provider, metadata } = request
  if (tokens.idToken === undefined) {
    if (dialect.proof === 'userinfo') return undefined
    throw new PorticoError('PORTICO_ID_TOKEN_MISSING', { wanted: 'an ID token', got: 'none' })
  }
  const token = readIdToken(tokens.idToken)
  trace?.claims('ID token', token.claims)
  for (const check of dialect.tokenChecks) enforce(check(token.claims), trace)
  const isSigned = dialect.proof === 'signature'
  const algorithms = metadata.id_token_signing_alg_values_supported
  const settings = oidcSettings(connection)
  checkIdToken(token, {
    issuer: dialect.issuerOf(metadata, token.claims),
    clientId: settings.client_id,
    nonce,
    before,
    algorithms: isSigned ? algorithms : undefined,
    // nobody authenticated anew
    maxAge: nonce === undefined ? undefined : settings.max_age
  }, now, trace)
  if (isSigned) {
    const keys = provider.keys(metadata)
    if (keys === undefined) throw new PorticoError('PORTICO_IDP_METADATA', { wanted: 'keys', got: 'none' })
    enforce(await signature(tokens.idToken, { keys, issuer: String(token.claims.iss), algorithms }), trace)
  }
  enforce(accessTokenHash(token, tokens.accessToken), trace)
  return token
}

/** The identity where the ID token speaks, completed by userinfo. */
export const fromIdToken = async ({ request, tokens, trace }: Told, { claims }: IdToken): Promise<Identity> => {
  const { connection, dialect, metadata } = request
  const isComplete = metadata.userinfo_endpoint === undefined || !lacksClaims(claims, dialect)
  const userinfo = isComplete ? {} : await userinfoOf(request, tokens.accessToken)
  if (!isComplete) {
    trace?.claims('userinfo', userinfo)
    enforce(userinfoSubject(userinfo, claims.sub), trace)
  }
  const source = { subject: dialect.subject(claims, String(claims.iss)), issuedAt: Number(claims.iat) }
  return mapIdentity(mergeClaims(claims, userinfo, dialect), source, dialect, connection, trace)
}

/** The identity where only userinfo speaks (behaviours O16); an ID token beside it must not contradict. */
export const fromUserinfo = async ({ request, tokens, now, trace }: Told, idToken: IdToken | undefined): Promise<Identity> => {
  const { connection, dialect, metadata } = request
  const { userinfo_endpoint: address } = metadata
  if (address === undefined) throw new PorticoError('PORTICO_IDP_METADATA', { wanted: 'a userinfo endpoint', got: 'none' })
  const claims = await plainUserinfo(request, address, tokens.accessToken)
  trace?.claims('userinfo', claims)
  if (idToken !== undefined) enforce(userinfoSubject(claims, idToken.claims.sub), trace)
  const source = { subject: dialect.subject(claims, metadata.issuer), issuedAt: now }
  return mapIdentity(profileFrom(claims, 'userinfo'), source, dialect, connection, trace)
}
