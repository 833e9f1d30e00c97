import { parseObject } from '../connections/outbound/answer.ts'
import { clientFault, entraCode, type ClientFault } from '../connections/oidc/client-fault.ts'

/** What an endpoint thought of a request with client credentials in it. */
export interface ClientAnswer {
  /**
   * A fault of the client's; `unauthorized`: a 401 without a word, which a proxy may have said; `grant`: the
   * code was judged; `request`: something else about the request was; `token`: one was given; `accepted`: a 200
   * without; `busy`: nothing was judged; `other`: a page, a redirect, a firewall's word.
   */
  readonly kind: ClientFault | 'unauthorized' | 'grant' | 'request' | 'token' | 'accepted' | 'busy' | 'other'
  /** `HTTP 400 invalid_grant AADSTS70008`: nothing that the provider wrote freely. */
  readonly text: string
}

/** Whether a client secret (or certificate) is the right one; `unprovable` is an answer like any other (product R16). */
export type Verdict =
  | { readonly verdict: 'proven' }
  | { readonly verdict: 'refuted', readonly fault: ClientFault }
  | { readonly verdict: 'unprovable', readonly why: string }

/** `error` where the code was what was wrong: RFC 6749's, then GitHub's and Slack's. */
const grantErrors: ReadonlySet<string> = new Set(['invalid_grant', 'bad_verification_code', 'invalid_code', 'code_already_used', 'code_expired'])

/** Entra's numbers for the same: malformed, unknown, expired, spent, not the verifier's. */
const grantCodes: ReadonlySet<string> = new Set(['AADSTS70000', 'AADSTS70008', 'AADSTS9002313', 'AADSTS54005', 'AADSTS50148', 'AADSTS501481', 'AADSTS70002'])

/** Reads an answer of a token or revocation endpoint; `body` is not kept. */
export const readClientAnswer = (status: number, body: string): ClientAnswer => {
  const content = parseObject(body)
  const code = entraCode(content?.error_description)
  const error = typeof content?.error === 'string' && /^[\w.-]{1,60}$/.test(content.error) ? content.error : undefined
  const text = [`HTTP ${status}`, error, code].filter(part => part !== undefined).join(' ')
  if (status === 429 || status >= 500 || error === 'slow_down' || error === 'temporarily_unavailable') return { kind: 'busy', text }
  if (status === 401 && content?.error === undefined) return { kind: 'unauthorized', text }
  const fault = clientFault(status, content?.error, content?.error_description)
  if (fault !== undefined) return { kind: fault, text }
  if ((error !== undefined && grantErrors.has(error)) || (code !== undefined && grantCodes.has(code))) return { kind: 'grant', text }
  // a page is no answer of such an endpoint, whatever its status
  const isAnswer = content !== undefined || (status === 200 && body.trim() === '')
  if (!isAnswer || ![200, 400].includes(status)) return { kind: 'other', text }
  if (status === 400 || content?.error !== undefined || content?.ok === false) return { kind: 'request', text }
  return { kind: typeof content?.access_token === 'string' ? 'token' : 'accepted', text }
}

const isFault = (kind: ClientAnswer['kind']): kind is ClientFault => kind === 'refused' || kind === 'expired' || kind === 'unknown'

/**
 * What the answer to the real secret alone decides: a fault that is the client's refutes it; a token
 * for the client itself (`client_credentials`) proves it. Undefined where a random one must be tried too.
 */
export const judgeAlone = (real: ClientAnswer): Verdict | undefined => {
  if (isFault(real.kind)) return { verdict: 'refuted', fault: real.kind }
  if (real.kind === 'busy') return { verdict: 'unprovable', why: 'the provider did not judge it' }
  return real.kind === 'token' ? { verdict: 'proven' } : undefined
}

/** Nobody comes this far whose credentials were refused. */
const beyondClient: ReadonlySet<ClientAnswer['kind']> = new Set(['grant', 'request', 'token', 'accepted'])

/** What the answers to the real secret and to a random one decide together. */
export const judgeTogether = (real: ClientAnswer, random: ClientAnswer): Verdict => {
  if (beyondClient.has(real.kind) && (random.kind === 'refused' || random.kind === 'unauthorized')) return { verdict: 'proven' }
  if (random.kind === 'busy') return { verdict: 'unprovable', why: 'the provider did not judge the one that it was compared with' }
  if (real.kind === random.kind) return { verdict: 'unprovable', why: 'the provider says the same to a random one' }
  return { verdict: 'unprovable', why: 'the provider answers differently to a random one without saying why' }
}
