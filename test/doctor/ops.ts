import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** The body of a GET at the ops listener. */
export const opsGet = (port: number, path: string): Promise<string> => new Promise((resolve, reject) => {
  request({ host: '127.0.0.1', port, path }, response => { text(response).then(resolve, reject) }).on('error', reject).end()
})
