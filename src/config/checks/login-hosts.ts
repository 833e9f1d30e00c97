import type { Report } from '../reporter.ts'
import { isLoopback } from '../schema/addresses.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import type { Draft } from '../walk.ts'
import type { OrganizationDraft } from './tenure.ts'

const hostOf = (text: string | undefined): string | undefined => text === undefined || !URL.canParse(text) ? undefined : new URL(text).hostname

/** Hosts that are taken, and by what. */
const takenHosts = (portico: Draft<PorticoSettings> | undefined): Map<string, string> => {
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

/** Each organization's own sign-in pages have hosts of their own, as safe as the auth host; and so is where its members go after signing out (R28). */
export const createLoginHostCheck = (portico: Draft<PorticoSettings> | undefined, report: Report): (organization: OrganizationDraft) => void => {
  const taken = takenHosts(portico)
  const auth = portico?.auth_url === undefined || !URL.canParse(portico.auth_url) ? undefined : new URL(portico.auth_url)
  const allowHttp = portico?.dangerously_allow_http === true
  return ({ id, file, settings }) => {
    for (const [index, text] of settings.login_hosts?.entries() ?? []) {
      if (text === undefined) continue
      const path = ['login_hosts', index]
      const url = new URL(text)
      const owner = taken.get(url.hostname)
      if (owner === undefined) taken.set(url.hostname, `login_hosts of ${id}`)
      else report({ file, path, message: `the host ${url.hostname} already belongs to ${owner}`, remedy: 'give each a host name of its own' })
      if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowHttp) {
        report({ file, path, message: 'plain http beyond loopback: anybody on the way could lead people to another sign-in', remedy: 'use https' })
      } else if (auth !== undefined && url.protocol !== auth.protocol) {
        report({ file, path, message: `is ${url.protocol.slice(0, -1)} while auth_url is ${auth.protocol.slice(0, -1)}`, remedy: 'use the same scheme for all public origins' })
      }
    }
    if (settings.logout_url === undefined) return
    const url = new URL(settings.logout_url)
    if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowHttp) {
      report({ file, path: ['logout_url'], message: 'plain http beyond loopback: anybody on the way could show people another page', remedy: 'use https' })
    }
  }
}
