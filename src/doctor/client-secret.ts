import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Connection } from '../config/configuration.ts'
import { dialectOf } from '../connections/dialects.ts'
import { authenticateClient } from '../connections/oidc/client-authentication.ts'
import { clientRemedy, looksLikeSecretId } from '../connections/oidc/client-fault.ts'
import { parseObject } from '../connections/outbound/answer.ts'
import type { Metadata } from '../connections/oidc/metadata.ts'
import { PorticoError } from '../errors.ts'
import { ask, type Asked } from './ask.ts'
import { judgeAlone, judgeTogether, readClientAnswer, type ClientAnswer, type Verdict } from './client-verdict.ts'
import type { Examination } from './examination.ts'
import { ok, problem, warning, type Finding } from './finding.ts'
import { oidcSettings } from '../connections/oidc/settings.ts'

const makeKeys = promisify(generateKeyPair)

/** Where credentials are judged. */
export interface ClientEndpoints {
  readonly metadata: Metadata
  /** RFC 7009; undefined where there is none. */
  readonly revocation: string | undefined
}

/** A request that tells something of the credentials in it. */
interface Attempt {
  readonly name: string
  readonly url: string
  readonly body: Readonly<Record<string, string>>
}

const nonsense = (): string => randomBytes(24).toString('base64url')

/** A connection with credentials of the same kind that are nobody's. */
const withRandom = async (connection: Connection): Promise<Connection> => {
  const { clientCertificate } = connection
  if (clientCertificate === undefined) return { ...connection, clientSecret: nonsense() }
  const { privateKey } = await makeKeys('rsa', { modulusLength: 2_048 })
  return { ...connection, clientCertificate: { ...clientCertificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() } }
}

/** What to try, the most telling first: few requests, since providers lock out who errs often. */
const attempts = ({ connection }: Examination, endpoints: ClientEndpoints, redirectUri: string): readonly Attempt[] => {
  const wrongCode: Attempt = {
    name: 'a wrong code',
    url: endpoints.metadata.token_endpoint,
    body: { grant_type: 'authorization_code', code: `portico-doctor-${nonsense()}`, redirect_uri: redirectUri, code_verifier: randomBytes(48).toString('base64url') }
  }
  if (connection.connector === 'entra') {
    // Entra looks at a code before the secret; a token for the client itself is no use to anybody
    const scope = `${oidcSettings(connection).client_id}/.default`
    const [tenant] = dialectOf(connection).tenants?.keys() ?? []
    // Without a user, the endpoint of all tenants knows of none
    const url = endpoints.metadata.token_endpoint.replace(/\/(?:organizations|common)\//, `/${tenant ?? 'organizations'}/`)
    return [{ name: 'client_credentials', url, body: { grant_type: 'client_credentials', scope } }, wrongCode]
  }
  const { revocation } = endpoints
  return revocation === undefined
    ? [wrongCode]
    // RFC 7009 §2.2: a token that never was is revoked with a 200, once the client is known
    : [wrongCode, { name: 'revoking an unknown token', url: revocation, body: { token: nonsense(), token_type_hint: 'refresh_token' } }]
}

interface Tried {
  readonly verdict: Verdict
  /** What was asked and answered, in words. */
  readonly evidence: string
  readonly description: unknown
}

const send = async (attempt: Attempt, connection: Connection, endpoints: ClientEndpoints, examination: Examination): Promise<Asked | string> => {
  const body = new URLSearchParams(attempt.body)
  const headers = new Headers({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' })
  await authenticateClient(connection, dialectOf(connection), endpoints.metadata, examination.now(), body, headers)
  body.set('client_id', oidcSettings(connection).client_id)
  return await ask(attempt.url, examination, { method: 'POST', headers: Object.fromEntries(headers), body: body.toString() })
}

/** One attempt with the real credentials, and with random ones where that says nothing yet. */
const tryOut = async (attempt: Attempt, endpoints: ClientEndpoints, examination: Examination, observe: (answer: Asked) => void): Promise<Tried> => {
  const { connection } = examination
  const read = async (of: Connection): Promise<{ answer: ClientAnswer, description: unknown } | string> => {
    const asked = await send(attempt, of, endpoints, examination)
    if (typeof asked === 'string') return asked
    observe(asked)
    return { answer: readClientAnswer(asked.status, asked.text), description: parseObject(asked.text)?.error_description }
  }
  const unanswered = (why: string): Tried => ({ verdict: { verdict: 'unprovable', why }, evidence: `${attempt.name}: ${why}`, description: undefined })
  const real = await read(connection)
  if (typeof real === 'string') return unanswered(real)
  const { description } = real
  const alone = judgeAlone(real.answer)
  const own = `${attempt.name}: ${real.answer.text}`
  if (alone !== undefined) return { verdict: alone, evidence: own, description }
  const random = await read(await withRandom(connection))
  if (typeof random === 'string') return unanswered(random)
  return { verdict: judgeTogether(real.answer, random.answer), evidence: `${own}, with a random one ${random.answer.text}`, description }
}

const remedies = {
  refused: 'Make a new one at the provider and put it in; if it is right, compare client_id, and how the secret is sent (token_endpoint_auth_method).',
  expired: 'It has expired: make a new one at the provider, put it in, and its end in client_secret_expires.',
  unknown: 'The provider does not know client_id: compare it, and that it belongs to this very provider or tenant.'
} as const

const say = (tried: readonly Tried[], connection: Connection): Finding => {
  const what = connection.clientCertificate === undefined ? 'client secret' : 'client certificate'
  const wanted = `a ${what} that the provider accepts`
  const evidence = tried.map(({ evidence }) => evidence).join('; ')
  const decisive = tried.find(({ verdict }) => verdict.verdict !== 'unprovable')
  const secrets = connection.clientSecret === undefined ? [] : [connection.clientSecret]
  const isId = connection.connector === 'entra' && secrets.some(looksLikeSecretId)
  const secretId = 'client_secret is a GUID, as a Secret ID is: in Entra, copy the Value of the client secret instead.'
  if (decisive?.verdict.verdict === 'proven') return ok(what, wanted, `proven (${evidence})`)
  if (decisive?.verdict.verdict === 'refuted') {
    const { fault } = decisive.verdict
    const remedy = isId && fault === 'refused' ? secretId : clientRemedy(decisive.description, secrets) ?? remedies[fault]
    return problem(what, wanted, `refuted: ${fault === 'expired' ? 'expired' : fault === 'unknown' ? 'no such client' : 'refused'} (${evidence})`, remedy)
  }
  const why = tried.flatMap(({ verdict }) => verdict.verdict === 'unprovable' ? verdict.why : []).at(-1) ?? 'nothing could be asked'
  if (isId) return problem(what, wanted, `unprovable: ${why} (${evidence})`, secretId)
  return warning(what, wanted, `unprovable: ${why} (${evidence})`, 'Only a sign-in tells: open the test sign-in (`portico links --test`).')
}

/**
 * Whether the client secret or certificate is right, without a user and without changing anything
 * (product R16): requests that must fail, with it and with a random one in its place, four at most.
 */
export const probeClientSecret = async (endpoints: ClientEndpoints, redirectUri: string, examination: Examination, observe: (answer: Asked) => void): Promise<Finding> => {
  const tried: Tried[] = []
  try {
    for (const attempt of attempts(examination, endpoints, redirectUri)) {
      const outcome = await tryOut(attempt, endpoints, examination, observe)
      tried.push(outcome)
      if (outcome.verdict.verdict !== 'unprovable') break
    }
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error
    // No request was made: a sign-in fails of the same
    return problem('client secret', error.wanted ?? 'a way to send it that the provider takes', error.got ?? error.code, error.remedy)
  }
  return say(tried, examination.connection)
}
