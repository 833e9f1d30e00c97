import { canonicalDomain } from './domain.ts'
import { text } from './values.ts'

/** An address in the one form that is stored and compared. */
export interface Email {
  /** `local@domain`. */
  readonly email: string
  /** ASCII, lower-case; tags and dots kept. */
  readonly local: string
  /** A-label, lower-case, at least two labels. */
  readonly domain: string
}

/** Characters of an address (RFC 5321 §4.5.3.1.1, RFC 3696 erratum 1690). */
const longestLocal = 64
const longestAddress = 254

/** RFC 5322 §3.2.3 dot-atom: no quotes, comments, blanks or control characters. */
const dotAtom = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

/** The Kelvin sign and a few others become ASCII letters under NFC: nobody types them by accident. */
const turnsIntoAscii = (text: string): boolean =>
  Array.from(text).some(character => !isAscii(character) && isAscii(character.normalize('NFC')))

/**
 * The canonical form of one plain address; undefined for whatever has more than one reading
 * (behaviours N2, H3, H4). Case is folded after the ASCII check, so that `İ`, `ı` and `K` never are.
 * `canonical` is for whoever reads many addresses of a few domains, and remembers those.
 */
export const parseEmail = (text: string, canonical = canonicalDomain): Email | undefined => {
  if (text.length > longestAddress) return undefined
  // ASCII has one form, which nearly every address is in
  const isPlain = isAscii(text)
  if (!isPlain && turnsIntoAscii(text)) return undefined
  const parts = (isPlain ? text : text.normalize('NFC')).split('@')
  const [localPart, domainPart] = parts
  if (parts.length !== 2 || localPart === undefined || domainPart === undefined) return undefined
  if (localPart.length > longestLocal || !dotAtom.test(localPart)) return undefined
  // Full-width letters and ligatures are mapped to ASCII by IDNA: two spellings of one domain.
  if (!isPlain && domainPart.normalize('NFKC') !== domainPart) return undefined
  const domain = canonical(domainPart)
  if (domain === undefined) return undefined
  const local = localPart.toLowerCase()
  const email = `${local}@${domain}`
  return email.length > longestAddress ? undefined : { email, local, domain }
}

/** `parseEmail` for a long list: each domain is worked out once. */
export const createEmailParser = (): (text: string) => Email | undefined => {
  const known = new Map<string, string | undefined>()
  const canonical = (domain: string): string | undefined => {
    if (!known.has(domain)) known.set(domain, canonicalDomain(domain))
    return known.get(domain)
  }
  return text => parseEmail(text, canonical)
}

/** One plain e-mail address, as `parseEmail` reads it. */
export const emailAddress = text('an e-mail address', 'ada@acme.com', value =>
  parseEmail(value) === undefined
    ? { message: `'${value.slice(0, 80)}' is not one plain e-mail address`, remedy: 'write local@domain, without quotes, blanks or a name' }
    : undefined)
