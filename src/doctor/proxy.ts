import type { Configuration } from '../config/configuration.ts'

/** The port that a URL leads to, written or not. */
export const portOf = ({ port, protocol }: URL): number => port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)

const isExempt = (url: URL, noProxy: string): boolean => {
  if (noProxy.trim() === '*') return true
  const host = url.host.replace(/:\d*$/, '').toLowerCase()
  const port = portOf(url)
  return noProxy.split(/[,\s]+/).filter(entry => entry !== '').some(entry => {
    const [, name = entry, onPort] = /^(.+):(\d+)$/.exec(entry) ?? []
    const suffix = name.replace(/^\*?\./, '').toLowerCase()
    return (onPort === undefined || Number(onPort) === port) && (host === suffix || host.endsWith(`.${suffix}`))
  })
}

/** The proxy by which the gateway reaches this URL, chosen as undici's EnvHttpProxyAgent does; undefined for none. */
export const proxyFor = (url: URL, { httpProxy, httpsProxy, noProxy }: Configuration['outbound']): URL | undefined => {
  if (isExempt(url, noProxy ?? '')) return undefined
  const plain = httpProxy === '' ? undefined : httpProxy
  const secure = httpsProxy === '' ? undefined : httpsProxy
  const proxy = url.protocol === 'https:' ? secure ?? plain : plain
  return proxy === undefined || !URL.canParse(proxy) ? undefined : new URL(proxy)
}
