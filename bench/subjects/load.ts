import { connect, type Socket } from 'node:net'
import { serveSubject } from '../subject.ts'

/**
 * The load: so many kept connections, on each the next request when the answer to the one before is
 * there. Understands answers with Content-Length and no more, to leave the processor to what is measured.
 */
interface Run {
  readonly port: number
  readonly requests: number
  readonly connections: number
  readonly host: string
  /** Session cookies in turn; none when empty. */
  readonly cookies: readonly string[]
}

const request = ({ host }: Run, cookie: string | undefined): string => [
  'GET /reports/2026?view=weekly&page=2 HTTP/1.1',
  `Host: ${host}`,
  'Connection: keep-alive',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: application/json, text/plain, */*',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Dest: empty',
  `Referer: http://${host}/reports`,
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  `Cookie: theme=dark; ${cookie === undefined ? '' : `${cookie}; `}locale=en`,
  '', ''
].join('\r\n')

const run = (options: Run): Promise<{ milliseconds: number, failed: number, slowest: number }> => new Promise(resolve => {
  const texts = options.cookies.length === 0 ? [request(options, undefined)] : options.cookies.map(cookie => request(options, cookie))
  const began = performance.now()
  const sockets: Socket[] = []
  let sent = 0
  let answered = 0
  let failed = 0
  let slowest = 0

  const finish = () => {
    if (answered < options.requests) return
    for (const socket of sockets) socket.destroy()
    resolve({ milliseconds: performance.now() - began, failed, slowest })
  }

  const open = () => {
    const socket = connect(options.port, '127.0.0.1')
    sockets.push(socket)
    let received = ''
    let asked = 0
    const send = () => {
      if (sent >= options.requests) return
      asked = performance.now()
      socket.write(texts[sent++ % texts.length] ?? '')
    }
    socket.setNoDelay(true)
    socket.on('connect', send)
    socket.on('error', () => {})
    socket.on('close', () => {
      if (asked === 0 || answered >= options.requests) return
      failed++
      answered++
      open()
      finish()
    })
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/\r\ncontent-length: ([0-9]+)/i.exec(received)?.[1])
      if (received.length < end + 4 + length) return
      if (!received.startsWith('HTTP/1.1 200 ')) failed++
      received = ''
      answered++
      slowest = Math.max(slowest, performance.now() - asked)
      asked = 0
      if (answered >= options.requests) finish()
      else send()
    })
  }
  for (let i = 0; i < options.connections; i++) open()
})

serveSubject({}, async message => run(message as unknown as Run))
