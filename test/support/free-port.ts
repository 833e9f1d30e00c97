import { createServer } from 'node:net'

/** Below those that systems give to outgoing connections: one of these is not taken between now and its use. */
const range = { from: 12_000, count: 18_000 }

const isFree = (port: number): Promise<boolean> => new Promise(resolve => {
  const server = createServer().once('error', () => { resolve(false) }).listen(port, '127.0.0.1', () => {
    server.close(() => { resolve(true) })
  })
})

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export const freePort = async (): Promise<number> => {
  while (true) {
    const port = range.from + Math.floor(Math.random() * range.count)
    if (await isFree(port)) return port
  }
}
