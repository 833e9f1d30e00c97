import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool, type Dispatcher } from 'undici'
import { serveSubject } from '../subject.ts'
import { forwarded } from './forwarded.ts'

/** The least that forwards at all: node:http, undici's dispatch, hop-by-hop headers taken out. */
const [upstream = ''] = process.argv.slice(2)
const pool = new Pool(upstream)
const hop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'expect', 'proxy-authorization', 'proxy-connection'])

const server = createServer((request, response) => {
  const headers: string[] = []
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? ''
    if (!hop.has(name.toLowerCase())) headers.push(name, request.rawHeaders[i + 1] ?? '')
  }
  headers.push(...forwarded)
  let controller: Dispatcher.DispatchController | undefined
  response.once('close', () => { if (!response.writableFinished) controller?.abort(new Error('gone')) })
  pool.dispatch({
    path: request.url ?? '/',
    method: request.method ?? 'GET',
    headers,
    body: request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined ? null : request
  }, {
    onRequestStart (started) { controller = started },
    onResponseStart (started, status, _headers, message) {
      const raw = Array.isArray(started.rawHeaders) ? started.rawHeaders : []
      const out: string[] = []
      for (let i = 0; i < raw.length; i += 2) {
        const name = String(raw[i])
        if (!hop.has(name.toLowerCase())) out.push(name, String(raw[i + 1]))
      }
      response.writeHead(status, message ?? '', out)
    },
    onResponseData (started, chunk) {
      if (response.write(chunk)) return
      started.pause()
      response.once('drain', () => started.resume())
    },
    onResponseEnd () { response.end() },
    onResponseError () { response.destroy() }
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  serveSubject({ port })
})
