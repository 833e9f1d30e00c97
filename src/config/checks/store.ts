import { isLoopback } from '../schema/addresses.ts'
import type { Contents } from '../references.ts'
import type { Report } from '../reporter.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import { parseRedisUrl, type RedisAddress } from '../schema/store.ts'
import type { Draft } from '../walk.ts'

/** `store:` of kind redis: one way to it, and settings that go together. */
export const checkStore = (file: string, store: Draft<PorticoSettings>['store'], contents: Contents, report: Report): void => {
  if (store === undefined || !('kind' in store) || store.kind !== 'redis') return
  const problem = (key: string, message: string, remedy: string): void => report({ file, path: ['store', key], key: true, message, remedy })
  const ways = (['url', 'sentinels', 'cluster'] as const).filter(way => store[way] !== undefined)
  const [way, another] = ways
  if (way === undefined) return report({ file, path: ['store'], key: true, message: 'does not say where Redis is', remedy: 'add url, or sentinels and master, or cluster' })
  if (another !== undefined) return problem(another, `does not go with ${way}`, 'keep one of the two')

  if (store.sentinels !== undefined && store.master === undefined) problem('sentinels', 'needs the name of the master', 'add master: mymaster, as the Sentinels call it')
  for (const key of ['master', 'sentinel_username', 'sentinel_password'] as const) {
    if (store[key] !== undefined && store.sentinels === undefined) problem(key, 'is of use with sentinels alone', 'remove it, or add sentinels')
  }

  const url = contents(file, ['store', 'url'])
  const read = (url === undefined ? [] : [url]).concat([...store.sentinels ?? [], ...store.cluster ?? []].flatMap(node => node ?? [])).map(parseRedisUrl)
  const addresses = read.filter((address): address is RedisAddress => !('message' in address))
  const fault = read.find(address => 'message' in address)
  if (url !== undefined && fault !== undefined) problem('url', fault.message, fault.remedy)
  if (addresses.some(({ isEncrypted }) => isEncrypted !== addresses[0]?.isEncrypted)) {
    problem(way, 'mixes redis:// and rediss://', 'write all of them with the one that their servers speak')
  }
  if (store.tls !== undefined && addresses.some(({ isEncrypted }) => !isEncrypted)) problem('tls', 'goes with rediss:// alone', 'write rediss:// in the addresses, or remove it')
  if ((store.tls?.certificate === undefined) !== (store.tls?.key === undefined)) {
    problem('tls', 'has half of a client certificate', 'give both certificate and key, or neither')
  }
  const [first] = addresses
  if (first?.password !== undefined && store.password !== undefined) problem('password', 'stands in the URL, too', 'keep one of the two')
  if (first?.username !== undefined && store.username !== undefined) problem('username', 'stands in the URL, too', 'keep one of the two')
  const hasPassword = first?.password !== undefined || store.password !== undefined
  if ((first?.username !== undefined || store.username !== undefined) && !hasPassword) problem(store.username === undefined ? 'url' : 'username', 'has no password', 'add store.password')
  if (first !== undefined && !first.isEncrypted && hasPassword && addresses.some(({ host }) => !isLoopback(host))) {
    report({ file, path: ['store', way], severity: 'warning', message: 'sends the password of Redis unencrypted', remedy: 'use rediss://, unless the network between is yours alone' })
  }
}
