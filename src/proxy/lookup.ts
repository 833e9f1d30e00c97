import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'

type Callback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

const loopback: LookupAddress[] = [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]

/** As dns.lookup, but `localhost` and `*.localhost` are loopback without asking anybody (RFC 6761 §6.3). */
export const lookupHost = (hostname: string, options: LookupOptions, callback: Callback): void => {
  if (!/(?:^|\.)localhost\.?$/i.test(hostname)) {
    lookup(hostname, options, callback)
    return
  }
  const addresses = loopback.filter(({ family }) => options.family === undefined || options.family === 0 || options.family === family || options.family === `IPv${family}`)
  const first = addresses[0]
  if (options.all === true) callback(null, addresses)
  else if (first === undefined) callback(Object.assign(new Error('no loopback address of that family'), { code: 'ENOTFOUND' }), '')
  else callback(null, first.address, first.family)
}
