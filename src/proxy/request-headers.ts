import { withoutOwnCookies } from '../sessions/cookie.ts'
import type { Exchange } from './exchange.ts'
import { listedNames, type HeaderKinds } from './header-kinds.ts'

/**
 * The headers that an upstream gets, flat: the client's own in their case, order and number, then
 * Portico's. What Connection lists is taken from the client's before Portico's are there, so nobody
 * can have those removed (behaviours.md C1–C7, C10–C13, K7).
 */
export const upstreamHeaders = (kinds: HeaderKinds, exchange: Exchange, identity: readonly string[]): string[] => {
  const { request, place, client, requestId, consumed } = exchange
  const { rawHeaders } = request
  const listed = listedNames(request.headers.connection)
  // an app that reads a token of ours there takes nobody else's for it
  const isAuthorizationOurs = place.app.forwardAccessToken === 'authorization'
  const headers: string[] = ['Host', hostHeader(exchange)]
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    switch (kinds.ofRequest(name)) {
      case 'keep':
        if (listed?.has(name.toLowerCase()) === true || consumed?.has(name.toLowerCase()) === true) break
        if (!isAuthorizationOurs || name.toLowerCase() !== 'authorization') headers.push(name, value)
        break
      case 'forwarding':
        if (client.trusted) headers.push(name, value)
        break
      case 'cookie': {
        const cookies = withoutOwnCookies(value)
        if (cookies !== undefined) headers.push(name, cookies)
        break
      }
    }
  }
  for (const item of identity) headers.push(item)
  headers.push(
    'X-Forwarded-For', client.forwardedFor,
    'X-Forwarded-Proto', place.origin.startsWith('https:') ? 'https' : 'http',
    'X-Forwarded-Host', place.authority,
    'X-Request-Id', requestId
  )
  return headers
}

const hostHeader = ({ place }: Exchange): string => {
  const { hostHeader: configured } = place.upstream
  return configured === undefined || configured === 'public' ? place.authority : configured
}
