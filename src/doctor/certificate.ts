import { X509Certificate } from 'node:crypto'
import { dayText } from '../config/dates.ts'
import { foreignText } from '../connections/foreign.ts'
import { daysLeft } from '../connections/expiry.ts'
import { ok, problem, warning, type Finding } from './finding.ts'
import { inspectors } from './inspectors.ts'

/** What of a certificate tells why it is not believed. Times in seconds since the epoch. */
export interface CertificateFacts {
  readonly subject: string
  readonly issuer: string
  readonly notBefore: number
  readonly notAfter: number
  /** The names that it is for: `DNS:idp.example.com`. */
  readonly names: string | undefined
  readonly selfSigned: boolean
  /** Whether it says where its issuer's certificate can be had (RFC 5280 §4.2.2.1), as those of public authorities do. */
  readonly tellsIssuer: boolean
}

/** What a server showed in the handshake, its own certificate first, and what the verification came to. */
export interface Shown {
  readonly host: string
  /** `CERT_HAS_EXPIRED`; undefined when the gateway believes it. */
  readonly fault: string | undefined
  readonly chain: readonly CertificateFacts[]
}

/** Days: certificates of servers are renewed automatically, mostly a month ahead. */
const notice = 14

const seconds = (date: string): number => Date.parse(date) / 1_000

/** The facts of a certificate in DER; names as `CN=…, O=…`, fit for a report. */
export const certificateFacts = (der: Buffer): CertificateFacts => {
  const certificate = new X509Certificate(der)
  const name = (text: string): string => foreignText(text.trimEnd().replaceAll('\n', ', '))
  return {
    subject: name(certificate.subject ?? ''),
    issuer: name(certificate.issuer ?? ''),
    notBefore: seconds(certificate.validFrom),
    notAfter: seconds(certificate.validTo),
    names: certificate.subjectAltName === undefined ? undefined : foreignText(certificate.subjectAltName),
    selfSigned: certificate.issuer === certificate.subject,
    tellsIssuer: certificate.infoAccess?.includes('CA Issuers') === true
  }
}

const describe = ({ subject, issuer, notBefore, notAfter }: CertificateFacts): string =>
  `'${subject}' issued by '${issuer}', valid ${dayText(notBefore)} to ${dayText(notAfter)}`

const inspectorOf = (chain: readonly CertificateFacts[]): string | undefined => {
  const text = chain.map(({ subject, issuer }) => `${subject} ${issuer}`).join(' ').toLowerCase()
  return inspectors.find(name => text.includes(name.toLowerCase()))
}

/**
 * Which certificate of a chain broke it, and what that means (product R15): a certificate that is
 * expired is the provider's to renew; one from an authority that nobody knows was most likely made on
 * the way, by a device that opens TLS; one whose issuer's own certificate is missing was installed
 * incompletely. `now` in seconds.
 */
export const judgeCertificates = ({ host, fault, chain }: Shown, now: number): Finding => {
  const check = 'certificate'
  const wanted = `a certificate for ${host} that this machine believes`
  const [leaf] = chain
  const last = chain.at(-1)
  const broken = (certificate: CertificateFacts | undefined, why: string, remedy: string): Finding =>
    problem(check, wanted, `${certificate === undefined ? 'none' : describe(certificate)}: ${why} (${fault ?? 'no chain'})`, remedy)
  if (leaf === undefined || last === undefined) return broken(undefined, 'no certificate was shown', `Ask whoever runs ${host}, or the proxy before it.`)
  if (fault === undefined) {
    const nearest = chain.reduce((first, each) => each.notAfter < first.notAfter ? each : first)
    const left = daysLeft(nearest.notAfter, now)
    const got = `${describe(leaf)}; ${left} days left`
    return left > notice ? ok(check, wanted, got) : warning(check, wanted, `${describe(nearest)}; ${left} days left`, `Ask whoever runs ${host} whether it is renewed in time.`)
  }

  const inspector = inspectorOf(chain)
  const intercepted = (certificate: CertificateFacts, why: string): Finding => broken(
    certificate,
    `${why}; ${inspector === undefined ? 'most likely intercepted' : `intercepted by ${inspector}`}: a proxy or inspection device re-signs ${host}`,
    `Exempt ${host} from TLS inspection, or put the device's root certificate into outbound.ca; if the provider has an authority of its own, put that one there.`
  )
  const incomplete = (): Finding => broken(
    last,
    'incomplete chain: the certificate of its issuer was not sent and is not known here',
    `Have whoever runs ${host} install the intermediate certificate '${last.issuer}' too; until then put it into outbound.ca.`
  )

  switch (fault) {
    case 'CERT_HAS_EXPIRED': {
      const old = chain.find(({ notAfter }) => notAfter < now) ?? last
      return broken(old, 'expired', `Whoever runs ${host} renews it; if its dates are fine, this machine's clock is not.`)
    }
    case 'CERT_NOT_YET_VALID': {
      const early = chain.find(({ notBefore }) => notBefore > now) ?? leaf
      return broken(early, 'not yet valid', `Compare this machine's clock; else whoever runs ${host} put it in place too early.`)
    }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return broken(leaf, `made for other names: ${leaf.names ?? 'none'}`, `Compare the host name in the configuration; else ${host} shows another server's certificate.`)
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return intercepted(leaf, 'self-signed')
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return intercepted(last, 'an authority that nobody here knows')
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      // An inspection device's certificate does not say where its issuer is found; a public authority's does
      return last.tellsIssuer && inspector === undefined ? incomplete() : intercepted(last, 'from an authority that nobody here knows')
    default:
      return broken(leaf, 'not believed', `Ask whoever runs ${host}; if a device on the way opens TLS, exempt ${host} or put its root certificate into outbound.ca.`)
  }
}
