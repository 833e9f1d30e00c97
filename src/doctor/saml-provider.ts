import { samlAddressesOf } from '../config/links.ts'
import type { Endpoints, IdpDescription } from '../connections/saml/description.ts'
import { skew } from '../connections/saml/instant.ts'
import { destinationOf } from '../connections/saml/outgoing.ts'
import { samlSettings } from '../connections/saml/settings.ts'
import { spEntityIdOf } from '../connections/saml/sp-metadata.ts'
import { foreignText } from '../connections/foreign.ts'
import { describeAnswer } from '../connections/outbound/answer.ts'
import { ask, type Asked } from './ask.ts'
import { judgeClock } from './clock.ts'
import type { Examination } from './examination.ts'
import { ok, warning, type Finding } from './finding.ts'
import { probeHost } from './reach.ts'
import { probeMetadata } from './saml-metadata.ts'
import { judgeSigning } from './signing-certificates.ts'

const list = (endpoints: Endpoints): string => [
  ...endpoints.redirect === undefined ? [] : [`Redirect ${endpoints.redirect}`],
  ...endpoints.post === undefined ? [] : [`POST ${endpoints.post}`]
].map(each => foreignText(each)).join(', ')

/** Where messages go, by binding; whether ours are signed. */
const judgeAddresses = ({ sso, slo, sloResponse, wantsSignedRequests }: IdpDescription, { connection }: Examination): readonly Finding[] => {
  const isSigned = samlSettings(connection).sign_requests || wantsSignedRequests
  const responses = list(sloResponse)
  return [
    ok('sign-on address', 'one for AuthnRequests, by Redirect or POST', list(sso)),
    ok('logout address', 'one for LogoutRequests, where the provider takes them', list(slo) === '' ? 'none: signing out here leaves people signed in there' : `${list(slo)}${responses === '' ? '' : `; for responses ${responses}`}`),
    ok('requests', wantsSignedRequests ? 'signed, as the provider asks' : 'signed', isSigned ? 'signed with RSA-SHA256' : 'not signed (sign_requests: false)')
  ]
}

/** Browsers go there and Portico does not: what cannot be reached from here is no problem yet. */
const soften = (finding: Finding, { connection: { organization } }: Examination): Finding => finding.level !== 'problem'
  ? finding
  : warning(finding.check, finding.wanted, finding.got, `Only browsers go there: try it from ${organization.name}'s network. If it fails there too: ${finding.remedy ?? ''}`)

/** Whether something is there that answers, without a message for it. */
const probeAddress = async (check: string, url: string, examination: Examination): Promise<{ findings: readonly Finding[], answer: Asked | undefined }> => {
  const wanted = `an answer from ${url.split('?', 1)[0]}`
  const answer = await ask(url, examination, { headers: { accept: 'text/html,*/*;q=0.8' } })
  const remedy = 'Compare the address with the provider\'s; some answer like this whoever brings no request, and only a sign-in tells.'
  if (typeof answer === 'string') return { findings: [warning(check, wanted, answer, remedy)], answer: undefined }
  const isGood = answer.status !== 404 && answer.status < 500
  const got = `${describeAnswer(answer)}, to a GET without a request`
  return { findings: [isGood ? ok(check, wanted, got) : warning(check, wanted, got, remedy)], answer }
}

const probeAddresses = async ({ sso, slo }: IdpDescription, examination: Examination): Promise<{ findings: readonly Finding[], answer: Asked | undefined }> => {
  const [signOn, logout] = [destinationOf(sso), destinationOf(slo)]
  const { metadata_url: metadata } = samlSettings(examination.connection)
  const asked = metadata === undefined ? undefined : new URL(metadata).origin
  const hosts = new Map([signOn, logout].flatMap(text => text === undefined ? [] : [[new URL(text).origin, new URL(text)] as const]))
  const reached = await Promise.all([...hosts].map(async ([origin, url]) =>
    // the metadata came from there, so that it was reached
    origin === asked ? { origin, findings: [], open: true } : { origin, ...await probeHost(url, examination) }))
  const open = new Set(reached.filter(each => each.open).map(({ origin }) => origin))
  const probe = async (check: string, url: string | undefined) => url === undefined || !open.has(new URL(url).origin)
    ? { findings: [], answer: undefined }
    : await probeAddress(check, url, examination)
  const [first, second] = await Promise.all([probe('sign-on', signOn), probe('logout', logout)])
  return {
    findings: [...reached.flatMap(({ findings }) => findings.map(finding => soften(finding, examination))), ...first.findings, ...second.findings],
    answer: first.answer ?? second.answer
  }
}

/** What the provider must know of us. It tells nobody but whoever signs in whether it does. */
const registration = ({ configuration: { authOrigin }, connection }: Examination): Finding => {
  const { acs, slo, metadata } = samlAddressesOf(authOrigin, connection.id)
  const wanted = `entered at the provider: entity ID ${spEntityIdOf(connection, authOrigin)}, ACS URL ${acs} (POST), logout URL ${slo}; or read there from ${metadata}`
  return warning('registration', wanted, 'unprovable: a provider tells whoever signs in, and nobody else', 'Only a sign-in tells, also what is signed and which attributes come: open the test sign-in (`portico links --test`).')
}

/** What of a provider that speaks SAML works, and what it must be told. Nothing is submitted to it. */
export const examineSaml = async (examination: Examination): Promise<readonly Finding[]> => {
  const { findings, description, answer } = await probeMetadata(examination)
  if (description === undefined) return [...findings, ...judgeClock(answer, skew), registration(examination)]
  const { reach, connection } = examination
  const signOn = destinationOf(description.sso)
  // what stands in the operator's own files was meant
  const named = samlSettings(connection).metadata_url === undefined && signOn !== undefined ? { ...reach, issuerHost: new URL(signOn).hostname } : reach
  const addresses = await probeAddresses(description, { ...examination, reach: named })
  return [
    ...findings,
    ...judgeAddresses(description, examination),
    ...judgeSigning(description, examination),
    ...addresses.findings,
    ...judgeClock(addresses.answer ?? answer, skew),
    registration(examination)
  ]
}
