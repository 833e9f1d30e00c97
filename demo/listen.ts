import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'

/** A port that something else holds. */
export class PortTaken extends Error {
  readonly port: number

  constructor (port: number, what: string) {
    super(`port ${port} is taken (${what}): end what uses it, or move the demo: npm start -- --offset 1000`)
    this.port = port
  }
}

/** A server on 127.0.0.1:`port`; throws PortTaken. `what` is for people. */
export const listen = async (port: number, what: string, listener: RequestListener): Promise<Server> => {
  const server = createServer(listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => { reject(error.code === 'EADDRINUSE' ? new PortTaken(port, what) : error) })
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

/** Ends a server and whatever is connected to it. */
export const close = async (server: Server): Promise<void> => {
  server.closeAllConnections()
  await new Promise<void>(resolve => { server.close(() => { resolve() }) })
}

/** Throws PortTaken unless 127.0.0.1:`port` is free for another process. */
export const mustBeFree = async (port: number, what: string): Promise<void> => {
  await close(await listen(port, what, (_request, response) => { response.end() }))
}
