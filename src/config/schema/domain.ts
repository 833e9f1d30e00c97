import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { publicMailDomains } from './public-mail-domains.ts'
import { text } from './values.ts'

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/

/** What IDNA leaves as it is: most domains by far. No `--`, where encodings begin; a last label of letters is no address. */
const plain = /^(?:[a-z0-9](?:(?!--)[a-z0-9-]){0,62}\.)+[a-z]{1,63}$/

/** The canonical A-label form of an exact DNS name with at least two labels; undefined for anything else. */
export const canonicalDomain = (value: string): string | undefined => {
  if (value.length <= 253 && plain.test(value) && !value.includes('-.')) return value
  // Before IDNA, which maps full-width letters, ideographic stops and percent-encodings to ASCII.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(value)) return undefined
  const ascii = domainToASCII(value).toLowerCase()
  const labels = ascii.split('.')
  const exact = ascii.length <= 253 && labels.length > 1 && labels.every(part => label.test(part)) && isIP(ascii) === 0
  return exact ? ascii : undefined
}

const repaired = (value: string): string => {
  const bare = value.trim().replace(/^(?:https?:\/\/|[^@]*@|\*?\.)+/i, '').replace(/[./:].*$/, rest => /^\.+$/.test(rest) ? '' : rest).replace(/\.$/, '')
  return canonicalDomain(bare) === undefined ? 'acme.com' : bare
}

/** An exact e-mail domain that belongs to a company (behaviours N2, N3). */
export const domain = text('an e-mail domain', 'acme.com', value => {
  const canonical = canonicalDomain(value)
  if (canonical === undefined) {
    return value.includes('*')
      ? { message: `'${value}' is a wildcard`, remedy: 'domains are matched exactly: list each one' }
      : { message: `'${value}' is not an exact DNS name`, remedy: `write the part after the @ alone, such as ${repaired(value)}` }
  }
  return publicMailDomains.has(canonical)
    ? { message: `'${canonical}' is a public mail domain: anybody can have an address there`, remedy: 'list domains that the organization owns' }
    : undefined
})
