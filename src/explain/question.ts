import { placeOf } from '../access/apps.ts'
import type { AppPlace, Configuration, Organization } from '../config/configuration.ts'
import { parseEmail, type Email } from '../config/schema/email.ts'

/** Where an address leads. `place`: the app that opens in the end, where the address says which. */
export type Target =
  | { readonly kind: 'app', readonly place: AppPlace }
  | { readonly kind: 'login_page', readonly organization: Organization, readonly place: AppPlace | undefined }
  /** `named`: the connection of a link (`/login/okta_acme?app=analytics`, R31). */
  | { readonly kind: 'auth', readonly named: string | undefined, readonly place: AppPlace | undefined }
  | { readonly kind: 'unknown', readonly place?: undefined }

export interface Question {
  readonly email: Email
  readonly url: URL
  readonly target: Target
}

/** What was asked is no question: said to whoever typed it. */
export class BadQuestion extends Error {}

const targetOf = (configuration: Configuration, host: string, { pathname, searchParams }: URL): Target => {
  const place = configuration.places.get(host)
  if (place !== undefined) return { kind: 'app', place }
  const wanted = placeOf(configuration, searchParams.get('app') ?? '', searchParams.get('region') ?? undefined)
  const organization = configuration.loginHosts.get(host)
  if (organization !== undefined) return { kind: 'login_page', organization, place: wanted }
  return host === configuration.authHost ? { kind: 'auth', named: /^\/login\/([^/]+)$/.exec(pathname)?.[1], place: wanted } : { kind: 'unknown' }
}

/** Reads what was typed. Throws BadQuestion. */
export const readQuestion = (configuration: Configuration, { email, url }: { readonly email: string, readonly url: string }): Question => {
  const parsed = parseEmail(email.trim())
  if (parsed === undefined) throw new BadQuestion(`--email wants one plain e-mail address, such as ada@acme.com; '${email.slice(0, 80)}' is none`)
  const address = /^https?:\/\//i.test(url) ? URL.parse(url) : null
  if (address === null || address.username !== '' || address.password !== '') {
    throw new BadQuestion(`--url wants the address of a page with http:// or https://; '${url.slice(0, 80)}' is none`)
  }
  const host = address.hostname.endsWith('.') ? address.hostname.slice(0, -1) : address.hostname
  return { email: parsed, url: address, target: targetOf(configuration, host, address) }
}
