/** How an authorization endpoint answered a request that nobody is signed in for. */
export interface RedirectAnswer {
  readonly status: number
  /** Absolute; undefined where it did not redirect. */
  readonly location: string | undefined
  readonly body: string
}

/** Whether a redirect URI is registered, as far as the provider tells. */
export type RedirectVerdict =
  /** `error` is what the provider sent back with it: `login_required`. */
  | { readonly verdict: 'registered', readonly error: string | undefined }
  | { readonly verdict: 'not registered', readonly mark: string }
  /** It goes to any address whatever. */
  | { readonly verdict: 'unchecked' }
  | { readonly verdict: 'not told' }

/** How providers say that a redirect URI is none of the client's, in addresses and pages. */
const marks: readonly RegExp[] = [
  /redirect_uri_mismatch/i, /AADSTS50011\b/, /invalid[_ ]redirect[_ ]uri/i, /redirect_uri_not_allowed/i,
  /redirect_uri'? (?:parameter )?(?:must be|is not|did not match|does not match|not registered|is invalid)/i,
  /callback url mismatch/i, /invalid parameter: redirect_uri/i, /bad_redirect_uri/i
]

const markOf = ({ location, body }: RedirectAnswer): string | undefined => {
  // Google puts it into the address of its error page, in base64
  const hidden = location === undefined || !URL.canParse(location) ? '' : Buffer.from(new URL(location).searchParams.get('authError') ?? '', 'base64').toString('latin1')
  const text = `${location ?? ''} ${hidden} ${body.replaceAll('&#39;', "'").replaceAll('&quot;', '"')}`
  return marks.map(mark => mark.exec(text)?.[0]).find(found => found !== undefined)
}

/** The parameters with which an answer goes to `uri`, in the query or the fragment; undefined where it goes elsewhere. */
const returned = ({ status, location }: RedirectAnswer, uri: string): URLSearchParams | undefined => {
  if (status < 300 || status > 399 || location === undefined || !URL.canParse(location)) return undefined
  const url = new URL(location)
  return `${url.origin}${url.pathname}` === uri ? new URLSearchParams(url.search === '' ? url.hash.slice(1) : url.search) : undefined
}

/**
 * What the answers to our redirect URI (`uri`) and to one that nobody registered (`other`) tell
 * (product R16). A provider must not send anybody to an address that is not registered (RFC 6749
 * §3.1.2.4), so being sent to ours tells, unless it sends to any.
 */
export const judgeRedirects = (ours: RedirectAnswer, uri: string, wrong: RedirectAnswer, other: string): RedirectVerdict => {
  const back = returned(ours, uri)
  if (back !== undefined) {
    return returned(wrong, other) === undefined ? { verdict: 'registered', error: back.get('error') ?? undefined } : { verdict: 'unchecked' }
  }
  const mark = markOf(ours)
  if (mark !== undefined) return { verdict: 'not registered', mark }
  // Ours led on, to a page to sign in at, and only the other one was complained of
  return ours.status < 400 && markOf(wrong) !== undefined ? { verdict: 'registered', error: undefined } : { verdict: 'not told' }
}
