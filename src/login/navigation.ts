import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** Whether a browser asks before its person does: by prefetch or prerender, which nobody may ever look at. */
export const isFetchedAhead = ({ 'sec-purpose': now, purpose, 'x-purpose': before, 'x-moz': once }: IncomingHttpHeaders): boolean =>
  now !== undefined || [purpose, before, once].some(each => each === 'prefetch' || each === 'preview')

/**
 * Whether a person opens a page in a tab: only then sign-in may begin; everything else is told 401
 * and leaves no cookie behind (behaviours.md A1–A9). Fetch metadata decides where a browser sends it.
 */
export const isNavigation = ({ method, headers }: IncomingMessage): boolean => {
  if (method !== 'GET' && method !== 'HEAD') return false
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': dest, accept } = headers
  if (isFetchedAhead(headers)) return false
  if (headers['x-requested-with'] !== undefined || headers['service-worker'] !== undefined) return false
  if (mode !== undefined || dest !== undefined) return (mode ?? 'navigate') === 'navigate' && (dest ?? 'document') === 'document'
  return acceptsPages(accept)
}

/** A media range for HTML that is not refused by `q=0`. */
const acceptsPages = (accept = ''): boolean => accept.toLowerCase().split(',').some(range => {
  const [type = '', ...parameters] = range.split(';').map(part => part.trim())
  return (type === 'text/html' || type === 'application/xhtml+xml') && !parameters.some(parameter => /^q=0(?:\.0*)?$/.test(parameter))
})
