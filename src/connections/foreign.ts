/** Characters of a provider's own words that go to the log. */
const longest = 300

/** On one line, and nothing that a terminal obeys. */
export const printable = (text: string): string => text.toWellFormed().replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()

/**
 * What somebody else wrote, fit for a log line and a report: printable, on one line, bounded, and
 * without any of `secrets` (behaviours O19).
 */
export const foreignText = (text: string, secrets: readonly string[] = []): string => {
  const bare = secrets.filter(secret => secret !== '').reduce((rest, secret) => rest.replaceAll(secret, '[removed]'), text)
  const whole = printable(bare)
  return whole.length > longest ? `${whole.slice(0, longest).toWellFormed()}…` : whole
}

/** `access_denied: the person cancelled` from the two members of an OAuth error. */
export const foreignError = (error: unknown, description: unknown, secrets: readonly string[] = []): string => {
  const parts = [error, description].filter(part => typeof part === 'string' && part !== '')
  return foreignText(parts.join(': '), secrets)
}
