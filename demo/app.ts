import type { RequestListener } from 'node:http'
import { appPage } from './app-page.ts'
import { createVerifier } from './assertion.ts'
import type { AppPlace } from './places.ts'

const icon = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#555"/></svg>'

/** A small app behind Portico: no login code, it shows what it received and checks the assertion. */
export const createApp = (app: AppPlace, others: readonly AppPlace[], { issuer }: { issuer: string }): RequestListener => {
  const verify = createVerifier({ issuer, audience: app.origin })
  const single = (value: string | string[] | undefined): string | undefined => typeof value === 'string' ? value : undefined
  return (request, response) => {
    request.resume()
    const target = request.url ?? '/'
    if (target === '/favicon.ico') {
      response.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end(icon)
      return
    }
    verify(single(request.headers['x-auth-assertion']), single(request.headers['x-auth-user'])).then(verdict => {
      const body = appPage(app, others, { method: request.method ?? '', target, headers: request.rawHeaders }, verdict)
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }).end(body)
    }, () => { response.writeHead(500).end() })
  }
}
