import type { Connection } from '../config/configuration.ts'
import { readCertificates } from '../config/pem.ts'
import type { Expiring } from '../telemetry/metrics.ts'

const day = 86_400

/** Days before it happens at which an expiry is told about, and 0 for when it has. */
const stages = [60, 30, 7, 1, 0] as const

export type Stage = typeof stages[number]

/** Whole days until `at`, negative once it has passed; both in seconds since the epoch. */
export const daysLeft = (at: number, now: number): number => Math.floor((at - now) / day)

/** The last stage that `at` has reached by `now` (seconds); undefined while it is more than 60 days away. */
export const stageOf = (at: number, now: number): Stage | undefined => stages.findLast(days => at - now <= days * day)

/** How it stands, for people: `fine` beyond 60 days, `urgent` within the last 7. */
export const urgencyOf = (at: number, now: number): 'fine' | 'soon' | 'urgent' | 'expired' => {
  const stage = stageOf(at, now)
  if (stage === undefined) return 'fine'
  if (stage === 0) return 'expired'
  return stage <= 7 ? 'urgent' : 'soon'
}

/** What of a connection expires, as far as it is known today. */
export type Expiries = (connection: Connection) => readonly Expiring[]

/**
 * Reads dates out of connections; a certificate is parsed once however often it is asked for. `provided` tells
 * what providers publish, which is otherwise each day.
 */
export const createExpiries = (provided: Expiries = () => []): Expiries => {
  const known = new WeakMap<Connection, readonly Expiring[]>()

  const read = ({ id, clientSecretExpires, clientCertificate }: Connection): readonly Expiring[] => {
    const [certificate] = clientCertificate === undefined ? [] : readCertificates(clientCertificate.certificate) ?? []
    return [
      ...clientSecretExpires === undefined ? [] : [{ connection: id, what: 'client_secret' as const, at: clientSecretExpires }],
      ...certificate === undefined ? [] : [{ connection: id, what: 'client_certificate' as const, at: Date.parse(certificate.validTo) / 1_000 }]
    ]
  }

  return connection => {
    const found = known.get(connection) ?? read(connection)
    known.set(connection, found)
    const more = provided(connection)
    return more.length === 0 ? found : [...found, ...more]
  }
}
