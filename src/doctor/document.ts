import { z } from 'zod'
import type { Connection } from '../config/configuration.ts'
import { dialectOf } from '../connections/dialects.ts'
import { usableAlgorithms } from '../connections/oidc/algorithms.ts'
import { describeAnswer, headerOf, parseObject } from '../connections/outbound/answer.ts'
import { entraCode } from '../connections/oidc/client-fault.ts'
import { foreignText } from '../connections/foreign.ts'
import { judgeMetadata, type DiscoveryAddress, type Metadata } from '../connections/oidc/metadata.ts'
import { PorticoError } from '../errors.ts'
import { ask, type Asked } from './ask.ts'
import type { Examination } from './examination.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

const texts = z.array(z.string()).optional().catch(undefined)

/** What the doctor reads of a discovery document beside what a sign-in does. */
const extras = z.object({
  issuer: z.string().optional().catch(undefined),
  revocation_endpoint: z.string().optional().catch(undefined),
  code_challenge_methods_supported: texts,
  response_types_supported: texts,
  response_modes_supported: texts,
  claims_supported: texts,
  id_token_signing_alg_values_supported: texts
})

/** A discovery document that was fetched and judged: as a sign-in would, and with what else it says. */
export interface ReadDocument {
  readonly findings: readonly Finding[]
  /** Undefined where a sign-in would refuse it. */
  readonly metadata: Metadata | undefined
  readonly revocation: string | undefined
  readonly answer: Asked | undefined
}

const list = (values: readonly string[]): string => foreignText(values.join(', ') || 'none')

const hint = (connection: Connection, answer: Asked): string => {
  const code = entraCode(answer.text)
  if (connection.connector === 'entra') {
    if (code === 'AADSTS90002' || code === 'AADSTS900023') return 'There is no such tenant: compare tenant_id with the Directory (tenant) ID of Entra\'s overview page, and the cloud with discovery_url.'
    return 'Compare tenant_id with the Directory (tenant) ID of Entra\'s overview page.'
  }
  if (connection.connector === 'okta') return 'Compare okta_domain, and authorization_server with the authorization servers\' ids under Security > API in Okta.'
  return 'Compare discovery_url with the provider\'s documentation; a proxy\'s page looks like this too.'
}

/** What a document says that a sign-in depends on, or would be better with. */
const judgeExtras = (content: unknown, metadata: Metadata, connection: Connection): Finding[] => {
  const document = extras.parse(content)
  const findings: Finding[] = []
  const listed = document.id_token_signing_alg_values_supported
  findings.push(ok('algorithms', 'ID tokens signed in an accepted way', list(usableAlgorithms(listed))))

  const methods = document.code_challenge_methods_supported
  findings.push(methods?.includes('S256') === true
    ? ok('pkce', 'S256', list(methods))
    : warning('pkce', 'S256 among code_challenge_methods_supported', methods === undefined ? 'not listed' : list(methods), 'Portico sends it all the same; ask the provider to switch PKCE on, which protects codes that leak.'))

  if (document.response_types_supported?.includes('code') === false) {
    findings.push(problem('response type', 'code', list(document.response_types_supported), 'Have the provider allow the authorization code flow for this client.'))
  }
  if (document.response_modes_supported?.includes('query') === false) {
    findings.push(problem('response mode', 'query', list(document.response_modes_supported), 'Codes come back in the query: have the provider allow it.'))
  }

  const scopes = metadata.scopes_supported
  const dialect = dialectOf(connection)
  const wanted = dialect.scopes ?? ['openid', 'email', 'profile']
  const missing = scopes === undefined ? [] : wanted.filter(scope => !scopes.includes(scope))
  if (scopes === undefined) findings.push(ok('scopes', wanted.join(' '), 'not listed, which is allowed'))
  else if (missing.length === 0) findings.push(ok('scopes', wanted.join(' '), list(scopes)))
  else findings.push(warning('scopes', wanted.join(' '), `without ${missing.join(', ')}: ${list(scopes)}`, 'Providers need not list all; if the test sign-in lacks a claim, allow the scope there or leave it out of `scopes`.'))

  const { email } = dialect.claims
  const claims = document.claims_supported
  if (claims !== undefined && !email.some(claim => claims.includes(claim))) {
    findings.push(warning('claims', `${email.join(' or ')}, which carries the e-mail`, list(claims), 'Providers need not list all; if the test sign-in finds no e-mail, set claims.email to the claim that has it.'))
  }

  const returnsIssuer = metadata.authorization_response_iss_parameter_supported === true
  if (connection.callback === 'shared' && !returnsIssuer && !dialect.isItself) {
    findings.push(problem('shared callback', 'a provider that returns iss (RFC 9207)', 'one that does not say so', 'Leave `callback` out and register the connection\'s own redirect URI.'))
  } else {
    findings.push(ok('iss in responses', 'RFC 9207, where the provider knows it', returnsIssuer ? 'returned, and required' : 'not returned'))
  }
  return findings
}

/** Fetches and judges the discovery document (product R16, R26): reached, readable, whose it is, and what it offers. */
export const probeDocument = async (address: DiscoveryAddress, examination: Examination): Promise<ReadDocument> => {
  const { connection, reach } = examination
  const place = address.url.split('?', 1)[0] ?? ''
  const wanted = `a discovery document at ${place}`
  const nothing = (finding: Finding, answer?: Asked): ReadDocument => ({ findings: [finding], metadata: undefined, revocation: undefined, answer })
  const answer = await ask(address.url, examination, { headers: { accept: 'application/json' } })
  if (typeof answer === 'string') return nothing(problem('discovery', wanted, answer, 'The host was reached and gave no such answer: compare the address, and what a proxy on the way does.'))
  if (answer.status !== 200) {
    const code = entraCode(answer.text)
    return nothing(problem('discovery', wanted, `${describeAnswer(answer)}${code === undefined ? '' : ` ${code}`}`, hint(connection, answer)), answer)
  }
  const content = parseObject(answer.text)
  if (content === undefined) return nothing(problem('discovery', `${wanted}, as JSON`, describeAnswer(answer), hint(connection, answer)), answer)

  const got = `${describeAnswer(answer)}, ${Buffer.byteLength(answer.text)} bytes in ${answer.took} ms`
  const isJson = /^application\/(?:[\w.+-]+\+)?json\b/i.test(headerOf(answer, 'content-type') ?? '')
  const fetched = isJson
    ? ok('discovery', wanted, got)
    : warning('discovery', `${wanted}, as application/json`, got, 'It reads well all the same; tell whoever runs the provider.')
  const { issuer, revocation_endpoint: revocation } = extras.parse(content)
  try {
    const metadata = judgeMetadata(content, address, reach)
    // What a sign-in compares with is what the provider itself says (product R26)
    const named = ok('issuer', address.issuer, foreignText(metadata.issuer))
    return { findings: [fetched, named, ...judgeExtras(content, metadata, connection)], metadata, revocation, answer }
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error
    const isIssuer = error.code === 'PORTICO_IDP_ISSUER'
    const fault = problem(isIssuer ? 'issuer' : 'document', error.wanted ?? 'a document that a sign-in accepts', `${error.got ?? 'another'}${isIssuer ? '' : issuer === undefined ? '' : ` (issuer ${foreignText(issuer)})`}`, error.remedy)
    return { findings: [fetched, fault], metadata: undefined, revocation: undefined, answer }
  }
}
