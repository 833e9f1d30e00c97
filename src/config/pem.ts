import { X509Certificate, createPrivateKey } from 'node:crypto'

/** Whether a setting is PEM itself, and not the path of a file. */
export const isPem = (text: string): boolean => text.includes('-----BEGIN ')

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The certificates of a PEM text, in order; undefined when it has none or one that cannot be read. */
export const readCertificates = (pem: string): readonly X509Certificate[] | undefined => {
  try {
    const found = pem.match(blocks)
    return found === null ? undefined : found.map(block => new X509Certificate(block))
  } catch {
    return undefined
  }
}

/** Whether `pem` holds a private key (unencrypted), and the one that belongs to `certificate` where that is known. */
export const checkKey = (pem: string, certificate: X509Certificate | undefined): 'fine' | 'unreadable' | 'another' => {
  try {
    const key = createPrivateKey(pem)
    return certificate === undefined || certificate.checkPrivateKey(key) ? 'fine' : 'another'
  } catch {
    return 'unreadable'
  }
}
