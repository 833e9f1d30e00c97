import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveSubject } from '../subject.ts'

/** The app behind everything that is measured: 1 kB of JSON, at once. `/role` answers with the role that it was told. */
const body = Buffer.from(JSON.stringify({ text: 'x'.repeat(1_013) }))

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume()
  if (request.url === '/role') {
    response.end(request.headers['x-auth-role'])
    return
  }
  response.writeHead(200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'private, max-age=0',
    ETag: '"3e8-0123456789abcdef"',
    Vary: 'Accept-Encoding',
    'X-Content-Type-Options': 'nosniff'
  }).end(body)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  serveSubject({ port })
})
