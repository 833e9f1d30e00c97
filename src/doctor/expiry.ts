import type { Connection } from '../config/configuration.ts'
import { dayText } from '../config/dates.ts'
import { daysLeft, stageOf, type Expiries } from '../connections/expiry.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

const names = { client_secret: 'client secret', client_certificate: 'client certificate', idp_certificate: 'provider\'s certificate', idp_metadata: 'provider\'s metadata' } as const

/** Days left of everything that the configuration gives a date to (product R11). `now` in seconds. */
export const judgeExpiries = (connection: Connection, expiries: Expiries, now: number): readonly Finding[] => {
  const findings = expiries(connection).map(({ what, at }) => {
    const left = daysLeft(at, now)
    const wanted = `a ${names[what]} that lasts`
    const stage = stageOf(at, now)
    if (stage === undefined) return ok('expiry', wanted, `${left} days left (${dayText(at)})`)
    const remedy = `Have ${connection.organization.name} make a new one and send it; the old one works until then.`
    return stage === 0
      ? problem('expiry', wanted, `expired on ${dayText(at)}`, remedy)
      : warning('expiry', wanted, `${left} day${left === 1 ? '' : 's'} left (${dayText(at)})`, remedy)
  })
  // Entra's secrets always end, within two years
  const isUntold = connection.connector === 'entra' && connection.clientSecret !== undefined && connection.clientSecretExpires === undefined
  return isUntold
    ? [...findings, warning('expiry', 'client_secret_expires, since a secret of Entra always ends', 'none', 'Ask for its end and set it: nobody is warned otherwise.')]
    : findings
}
