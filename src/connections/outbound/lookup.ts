import { lookup, type LookupAddress, type LookupAllOptions, type LookupOptions } from 'node:dns'
import { isLoopback } from '../../config/schema/addresses.ts'

type Callback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void
type Resolve = (hostname: string, options: LookupAllOptions, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void

const loopback: readonly LookupAddress[] = [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]

const failure = (message: string, code: string): NodeJS.ErrnoException => Object.assign(new Error(message), { code })

const answer = (addresses: readonly LookupAddress[], options: LookupOptions, callback: Callback): void => {
  const fitting = addresses.filter(({ family }) => options.family === 4 || options.family === 6 ? family === options.family : true)
  const first = fitting[0]
  if (first === undefined) callback(failure('no address of that family', 'ENOTFOUND'), '')
  else if (options.all === true) callback(null, [...fitting])
  else callback(null, first.address, first.family)
}

/**
 * As dns.lookup; `*.localhost` is loopback without asking (RFC 6761 §6.3). A name is refused when
 * `allowed` refuses any of its addresses, at the very look-up that is connected by (behaviours N12).
 */
export const createLookup = (allowed: (address: string) => boolean, resolve: Resolve = lookup) =>
  (hostname: string, options: LookupOptions, callback: Callback): void => {
    if (isLoopback(hostname)) {
      answer(loopback, options, callback)
      return
    }
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) callback(error, '')
      else if (!addresses.every(({ address }) => allowed(address))) callback(failure('an address of this machine or its link', 'EFORBIDDEN'), '')
      else answer(addresses, options, callback)
    })
  }
