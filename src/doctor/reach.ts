import { judgeCertificates } from './certificate.ts'
import type { Examination } from './examination.ts'
import { ok, problem, type Finding } from './finding.ts'
import type { Reached } from './network.ts'

const say = (url: URL, reached: Reached): Finding => {
  const check = 'reach'
  const { hostname, host, protocol } = url
  switch (reached.stage) {
    case 'name':
      return reached.code === 'EFORBIDDEN'
        ? problem(check, `an address for ${hostname} that may be contacted`, 'one of this machine or its link', 'The provider\'s document names a host that resolves to this machine: ask whoever runs it.')
        : problem(check, `an address for ${hostname}`, `DNS ${reached.code}`, 'Compare the host name in the configuration, then this machine\'s name servers.')
    case 'proxy':
      return problem(check, `a connection to ${host} through the proxy ${reached.proxy}`, reached.code, `Have the proxy let ${hostname} through, list it in outbound.no_proxy, or correct outbound.${protocol === 'https:' ? 'https' : 'http'}_proxy.`)
    case 'connection':
      return problem(check, `a TCP connection to ${host}`, reached.code, 'Open the firewall to that host, or set outbound.https_proxy if this machine reaches the world through one; else the server is down.')
    case 'tls':
      return problem(check, `TLS with ${host}`, reached.code, 'What listens there speaks no TLS, or none of today\'s versions: compare port and scheme; a firewall that breaks connections looks like this too.')
    case 'open':
      return ok(check, `a connection to ${host}`, `${reached.shown === undefined ? 'TCP' : 'TCP and TLS'} in ${reached.took} ms${reached.proxy === undefined ? '' : ` through the proxy ${reached.proxy}`}`)
  }
}

/** Whether requests can get to a URL's host, and what its certificate is; `open` when they can. */
export const probeHost = async (url: URL, { reach: within, reached, now }: Examination): Promise<{ findings: readonly Finding[], open: boolean }> => {
  const result = await reached(url, within)
  const reach = say(url, result)
  if (result.stage !== 'open' || result.shown === undefined) return { findings: [reach], open: result.stage === 'open' }
  const certificate = judgeCertificates(result.shown, now())
  return { findings: [reach, certificate], open: certificate.level !== 'problem' }
}
