import type { Report } from '../reporter.ts'
import { isLoopback } from '../schema/addresses.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import type { Draft } from '../walk.ts'
import type { OrganizationDraft } from './tenure.ts'

const hostOf = (text: string | undefined): string | undefined => text === undefined ? undefined : URL.parse(text)?.hostname

/** Hosts of the main file, and what they belong to. */
const gatewayHosts = (portico: Draft<PorticoSettings> | undefined): Map<string, string> => {
  const taken = new Map<string, string>()
  const take = (url: string | undefined, what: string): void => {
    const host = hostOf(url)
    if (host !== undefined) taken.set(host, what)
  }
  take(portico?.auth_url, 'auth_url')
  for (const [id, app] of Object.entries(portico?.apps ?? {})) {
    for (const url of [app?.url, ...Object.values(app?.regions ?? {}).map(place => place?.url)]) take(url, `apps.${id}`)
  }
  return taken
}

/** Every host that the main file names. */
export const hostsOfGateway = (portico: Draft<PorticoSettings> | undefined): string[] => [...gatewayHosts(portico).keys()]

/** The hosts of an organization's own sign-in pages. */
export const loginHostsOf = ({ settings }: OrganizationDraft): string[] => (settings.login_hosts ?? []).flatMap(text => hostOf(text) ?? [])

/** Each organization's own sign-in pages have hosts of their own (R28). To be called in the order of the files. */
export const createLoginHostCheck = (portico: Draft<PorticoSettings> | undefined, report: Report): (organization: OrganizationDraft) => void => {
  const taken = gatewayHosts(portico)
  return ({ id, file, settings }) => {
    for (const [index, text] of settings.login_hosts?.entries() ?? []) {
      const host = hostOf(text)
      if (host === undefined) continue
      const owner = taken.get(host)
      if (owner === undefined) taken.set(host, `login_hosts of ${id}`)
      else report({ file, path: ['login_hosts', index], message: `the host ${host} already belongs to ${owner}`, remedy: 'give each a host name of its own' })
    }
  }
}

/** An organization's own sign-in pages are as safe as the auth host; and so is where its members go after signing out (R28). */
export const createLoginHostSafetyCheck = (portico: Draft<PorticoSettings> | undefined): (organization: OrganizationDraft, report: Report) => void => {
  const auth = portico?.auth_url === undefined || !URL.canParse(portico.auth_url) ? undefined : new URL(portico.auth_url)
  const isPlain = ({ protocol, hostname }: URL): boolean => protocol === 'http:' && !isLoopback(hostname) && portico?.dangerously_allow_http !== true
  return ({ file, settings }, report) => {
    for (const [index, text] of settings.login_hosts?.entries() ?? []) {
      if (text === undefined) continue
      const path = ['login_hosts', index]
      const url = new URL(text)
      if (isPlain(url)) {
        report({ file, path, message: 'plain http beyond loopback: anybody on the way could lead people to another sign-in', remedy: 'use https' })
      } else if (auth !== undefined && url.protocol !== auth.protocol) {
        report({ file, path, message: `is ${url.protocol.slice(0, -1)} while auth_url is ${auth.protocol.slice(0, -1)}`, remedy: 'use the same scheme for all public origins' })
      }
    }
    if (settings.logout_url !== undefined && isPlain(new URL(settings.logout_url))) {
      report({ file, path: ['logout_url'], message: 'plain http beyond loopback: anybody on the way could show people another page', remedy: 'use https' })
    }
  }
}
