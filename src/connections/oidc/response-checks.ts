import type { Trace } from '../trace.ts'
import { foreignError, foreignText } from '../foreign.ts'
import { show } from './token-rules.ts'
import { enforce, type Verdict } from '../verdict.ts'

export interface ResponseExpectations {
  readonly state: string
  /** Every issuer that this connection's provider can name itself. */
  readonly issuers: readonly string[]
  /** The provider says that it always sends `iss` (RFC 9207 §3), or must because its redirect URI is shared. */
  readonly issuerRequired: boolean
  /** What a provider's error means, where its kind has more to say than the protocol. */
  readonly explain: (description: string) => Pick<Verdict, 'code' | 'remedy'> | undefined
}

type ResponseCheck = (parameters: URLSearchParams, expected: ResponseExpectations) => Verdict | undefined

/** O10, F19, RFC 6749 §3.1: no parameter is there twice. */
const noDuplicates: ResponseCheck = parameters => {
  const names = [...parameters.keys()]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return {
    name: 'parameters of the response',
    passed: twice === undefined,
    code: 'PORTICO_RESPONSE_INVALID',
    wanted: 'each parameter once',
    got: twice === undefined ? 'each once' : `${foreignText(twice)} several times`
  }
}

/** O7: `state` is there and is the one that was sent. Neither is shown. */
const state: ResponseCheck = (parameters, expected) => {
  const given = parameters.get('state')
  const passed = expected.state !== '' && given === expected.state
  return {
    name: 'state', passed, code: 'PORTICO_RESPONSE_STATE', wanted: 'the state of this sign-in', got: passed ? 'this one' : given === null ? 'none' : 'another one'
  }
}

/** O9, RFC 9207 §2.4: `iss` is the issuer, if it is there; and it is there, if it must be. */
const responseIssuer: ResponseCheck = (parameters, { issuers, issuerRequired }) => {
  const given = parameters.get('iss')
  if (given === null && !issuerRequired) return undefined
  return {
    name: 'iss of the response',
    passed: given !== null && issuers.includes(given),
    code: 'PORTICO_RESPONSE_ISSUER',
    wanted: `iss ${issuers.slice(0, 5).join(' or ')}`,
    got: show(given ?? undefined)
  }
}

/** O19, RFC 6749 §4.1.2.1: an error is an answer too; its words are the provider's, and are bounded. */
const noError: ResponseCheck = (parameters, { explain }) => {
  const error = parameters.get('error')
  if (error === null) return undefined
  const description = parameters.get('error_description')
  return {
    name: 'error',
    passed: false,
    code: 'PORTICO_IDP_REFUSED',
    wanted: 'an authorization code',
    got: foreignError(error === '' ? 'error' : error, description),
    ...explain(description ?? '')
  }
}

/** RFC 6749 §4.1.2: a code, and nothing of another flow. */
const onlyCode: ResponseCheck = parameters => {
  const other = ['id_token', 'access_token', 'token', 'response'].find(name => parameters.has(name))
  const passed = other === undefined && (parameters.get('code') ?? '') !== ''
  return { name: 'code', passed, code: 'PORTICO_RESPONSE_INVALID', wanted: 'an authorization code alone', got: other ?? (passed ? 'one' : 'none') }
}

/** Every check on the return, before the token endpoint is asked. Throws the refusal of the first that does not pass. */
export const checkResponse = (parameters: URLSearchParams, expected: ResponseExpectations, trace: Trace | undefined): void => {
  for (const check of [noDuplicates, state, responseIssuer, noError, onlyCode]) enforce(check(parameters, expected), trace)
}
