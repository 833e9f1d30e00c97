import type { Invited } from './configuration.ts'
import { createEmailParser } from './schema/email.ts'

/**
 * An invited list as two texts of sorted lines: a hundred thousand addresses are one string to copy and to
 * keep, instead of as many objects. Addresses are ASCII, so their order is that of their bytes.
 */
export interface InvitedIndex {
  /** Canonical e-mails. */
  readonly exact: string
  /** The address without its tag, a blank, the address with it: `ami@acme.com ami+cio@acme.com`. */
  readonly tagged: string
}

/** The addresses of an invited list as a file: one a line; empty lines and those that begin with `#` are passed over. */
export const invitedLines = (text: string): string[] =>
  text.split(/\r?\n/).map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))

const sortedLines = (lines: Iterable<string>): string => [...new Set(lines)].sort().map(line => `${line}\n`).join('')

/** Sorts an invited list (product R19, R20); what is no address is passed over, the checks have said so. */
export const indexInvited = (addresses: Iterable<string>): InvitedIndex => {
  const exact: string[] = []
  const tagged: string[] = []
  const parse = createEmailParser()
  for (const address of addresses) {
    const parsed = parse(address)
    if (parsed === undefined) continue
    exact.push(parsed.email)
    const tag = parsed.local.indexOf('+')
    if (tag > 0) tagged.push(`${parsed.local.slice(0, tag)}@${parsed.domain} ${parsed.email}`)
  }
  return { exact: sortedLines(exact), tagged: sortedLines(tagged) }
}

/** Where the first line begins that does not come before `key`. */
const find = (lines: string, key: string): number => {
  // Both are always where a line begins, or the end.
  let low = 0
  let high = lines.length
  while (low < high) {
    const begin = lines.lastIndexOf('\n', Math.floor((low + high) / 2) - 1) + 1
    const end = lines.indexOf('\n', begin)
    if (lines.slice(begin, end) < key) low = end + 1
    else high = begin
  }
  return low
}

/** Looks an index up, in about as many steps as its length has binary digits. */
export const openInvited = ({ exact, tagged }: InvitedIndex): Invited => ({
  exact: {
    has: email => exact.startsWith(`${email}\n`, find(exact, email))
  },
  tagged: {
    get: bare => {
      const key = `${bare} `
      const found: string[] = []
      for (let at = find(tagged, key); tagged.startsWith(key, at);) {
        const end = tagged.indexOf('\n', at)
        found.push(tagged.slice(at + key.length, end))
        at = end + 1
      }
      return found.length === 0 ? undefined : found
    }
  }
})
