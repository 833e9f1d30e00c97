import { X509Certificate } from 'node:crypto'
import { dayText } from '../config/dates.ts'
import { certificateFault } from '../config/idp-certificate.ts'
import { daysLeft, stageOf } from '../connections/expiry.ts'
import type { IdpDescription } from '../connections/saml/description.ts'
import { samlSettings } from '../connections/saml/settings.ts'
import { certificateFacts } from './certificate.ts'
import type { Examination } from './examination.ts'
import { ok, problem, warning, type Finding } from './finding.ts'
import { keyKind } from './keys.ts'

type Source = 'url' | 'file' | 'values'

const day = 86_400

/** What is done before the provider signs with another certificate, and who does it. */
const remedies: Readonly<Record<Source, (organization: string) => string>> = {
  url: name => `Ask ${name} when their provider changes it: a new one is read from the metadata, daily and when something is signed with it.`,
  file: name => `Ask ${name} for the new metadata file ahead of that day, and put it in the place of the old one.`,
  values: name => `Ask ${name} for the next certificate, and list it beside this one in certificates before their provider signs with it.`
}

/** Thumbprints as providers show them: SHA-256 mostly, SHA-1 in Entra ID and AD FS. */
const describe = (certificate: X509Certificate): string => {
  const { subject } = certificateFacts(certificate.raw)
  const kind = keyKind(certificate.publicKey) ?? 'an unknown kind of key'
  return `'${subject}' ${kind}, SHA-256 ${certificate.fingerprint256}, SHA-1 ${certificate.fingerprint}`
}

/** Whether a signature that is made with it today is believed. */
const isGood = (certificate: X509Certificate): boolean => certificateFault(certificate) === undefined

/** `others`: the provider has a good one that lasts beside it. */
const judge = (certificate: X509Certificate, others: boolean, remedy: string, now: number): Finding => {
  const check = 'signing certificate'
  const fault = certificateFault(certificate)
  if (fault !== undefined) return (others ? warning : problem)(check, 'one with an RSA key of 2048 bits or more, or an EC key', `one that ${fault}`, 'No signature made with it is believed: have the provider make a new key.')
  const at = certificate.validToDate.getTime() / 1_000
  const left = daysLeft(at, now)
  const wanted = 'a certificate that lasts'
  const stage = stageOf(at, now)
  const got = `${describe(certificate)}; ${stage === 0 ? `expired on ${dayText(at)}` : `${left} day${left === 1 ? '' : 's'} left (${dayText(at)})`}`
  if (stage === undefined) return ok(check, wanted, got)
  return others && stage === 0 ? ok(check, wanted, `${got}, and there is another`) : warning(check, wanted, got, remedy)
}

const judgeEnd = ({ validUntil }: IdpDescription, source: Source, organization: string, now: number): readonly Finding[] => {
  if (validUntil === undefined) return []
  const wanted = 'metadata that stays valid'
  const got = `valid until ${dayText(validUntil)}, ${daysLeft(validUntil, now)} days left`
  // By URL it is renewed all the time, and so always near its end
  const isNear = source === 'url' ? validUntil - now < day : stageOf(validUntil, now) !== undefined
  return [isNear
    ? warning('validity', wanted, got, `Afterwards nobody can sign in by it: ask ${organization} for ${source === 'url' ? 'metadata that is renewed in time' : 'the new file'}.`)
    : ok('validity', wanted, got)]
}

const renewal: Readonly<Record<Source, (organization: string) => Finding>> = {
  url: () => ok('renewal', 'certificates that are renewed by themselves', 'metadata_url, read daily and when something is signed with an unknown key'),
  file: name => warning('renewal', 'certificates that are renewed by themselves', 'metadata_file', `Nothing here renews it: use metadata_url where the provider has one, else agree with ${name} that you get the file before a new certificate is used.`),
  values: name => warning('renewal', 'certificates that are renewed by themselves', 'certificates', `Nothing here renews them: use metadata_url where the provider has one, else agree with ${name} that you get the next one before it is used.`)
}

/** Each certificate that the provider signs with, how long it and the metadata last, and whether new ones are noticed (product R11). */
export const judgeSigning = (description: IdpDescription, { connection, now }: Examination): readonly Finding[] => {
  const { organization: { name }, saml } = connection
  const source: Source = samlSettings(connection).metadata_url !== undefined ? 'url' : saml?.metadata !== undefined ? 'file' : 'values'
  const certificates = description.certificates.map(pem => new X509Certificate(pem))
  const lasting = certificates.filter(certificate => isGood(certificate) && certificate.validToDate.getTime() / 1_000 > now())
  return [
    ...certificates.map(certificate => judge(certificate, lasting.some(other => other !== certificate), remedies[source](name), now())),
    ...judgeEnd(description, source, name, now()),
    renewal[source](name)
  ]
}
