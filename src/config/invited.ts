import type { Invited } from './configuration.ts'
import { parseEmail } from './schema/email.ts'

/** The addresses of an invited list as a file: one a line; empty lines and those that begin with `#` are passed over. */
export const invitedLines = (text: string): string[] =>
  text.split(/\r?\n/).map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))

/** The index of an invited list (product R19, R20); what is no address is passed over, the checks have said so. */
export const invitedFrom = (addresses: Iterable<string>): Invited => {
  const exact = new Set<string>()
  const tagged = new Map<string, string[]>()
  for (const address of addresses) {
    const parsed = parseEmail(address)
    if (parsed === undefined || exact.has(parsed.email)) continue
    exact.add(parsed.email)
    const tag = parsed.local.indexOf('+')
    if (tag < 1) continue
    const bare = `${parsed.local.slice(0, tag)}@${parsed.domain}`
    const known = tagged.get(bare)
    if (known === undefined) tagged.set(bare, [parsed.email])
    else known.push(parsed.email)
  }
  for (const addresses of tagged.values()) Object.freeze(addresses)
  return { exact, tagged }
}
