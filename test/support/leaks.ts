import type { Browser } from './browser.ts'
import type { Seen } from './hostile-provider.ts'

/** Query parameters and form fields whose values nobody but browser, gateway and provider may read. */
const confidential = ['code', 'state', 'ticket', 'request', 'response', 'handle', 'nonce', 'code_challenge', 'code_verifier', 'client_secret', 'refresh_token', 'access_token', 'id_token']

/** Shorter ones stand in other texts by chance. */
const shortest = 8

/** Everything secret that these browsers were told, and that a provider received: cookies, codes, states, tickets, verifiers, secrets. */
export const secretsOf = (browsers: readonly Browser[], seen: readonly Seen[] = []): Set<string> => {
  const found = new Set<string>()
  const add = (value: string | null | undefined) => {
    if (value !== null && value !== undefined && value.length >= shortest) found.add(value)
  }
  const addFrom = (parameters: URLSearchParams | undefined) => {
    for (const name of confidential) add(parameters?.get(name))
  }
  for (const { url, location, setCookies, text } of browsers.flatMap(({ history }) => history)) {
    addFrom(url.searchParams)
    addFrom(location?.searchParams)
    for (const line of setCookies) add(/^__Host-portico[^=]*=([^;]*)/.exec(line)?.[1])
    for (const [, value] of text.matchAll(/name="(?:handle|ticket|request)" value="([^"]*)"/g)) add(value)
  }
  for (const { form, headers } of seen) {
    addFrom(form)
    const [scheme, credentials] = headers.authorization?.split(' ') ?? []
    add(credentials)
    if (scheme === 'Basic') for (const part of Buffer.from(credentials ?? '', 'base64').toString().split(':')) add(decodeURIComponent(part))
  }
  found.delete('portico')
  return found
}

/** Which of the secrets stand in the text. */
export const leaksIn = (text: string, secrets: ReadonlySet<string>): string[] => [...secrets].filter(secret => text.includes(secret))
