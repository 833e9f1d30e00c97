import { createServer, type AddressInfo } from 'node:net'

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export const freePort = (): Promise<number> => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    // listen() on a host gives an address object
    const { port } = server.address() as AddressInfo
    server.close(() => { resolve(port) })
  })
})
