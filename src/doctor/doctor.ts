import { resolveTxt as systemResolveTxt } from 'node:dns/promises'
import type { Configuration, Connection } from '../config/configuration.ts'
import { dialectOf } from '../connections/dialects.ts'
import { createExpiries } from '../connections/expiry.ts'
import { createOutbound, type Patience } from '../connections/outbound/http.ts'
import { isIssuerHost, type Reach } from '../connections/outbound/reach.ts'
import { reachOf } from '../connections/oidc/settings.ts'
import { PorticoError } from '../errors.ts'
import { examineConnection } from './connection.ts'
import type { Examination } from './examination.ts'
import { problem, warning, type ConnectionFinding, type Finding } from './finding.ts'
import { reachHost, type Reached } from './network.ts'
import { samlReach } from './saml-metadata.ts'

export interface DoctorDeps {
  readonly configuration: Configuration
  readonly resolveTxt?: Examination['resolveTxt']
  /** Seconds since the epoch. */
  readonly now?: () => number
  readonly patience?: Patience
  /** Milliseconds for everything together; what was not looked at by then is said to be. */
  readonly whole?: number
}

/** Connections that are looked at at once. */
const breadth = 8
const usualPatience: Patience = { connect: 5_000, whole: 10_000 }
const usualWhole = 600_000

/** How far each origin is reached, asked once a run: thousands of connections may share a provider. */
const createReached = (configuration: Configuration, patience: number): (url: URL, reach: Reach) => Promise<Reached> => {
  const known = new Map<string, Promise<Reached>>()
  return (url, reach) => {
    const named = isIssuerHost(url, reach)
    const key = `${named} ${url.origin}`
    const reached = known.get(key) ?? reachHost(url, named, configuration.outbound, patience)
    known.set(key, reached)
    return reached
  }
}

/**
 * Looks at connections, a few at a time, each finding told as soon as its connection is done (product
 * R16). Signs nobody in, opens no store and changes nothing. Answers with whether there was a problem.
 */
export const examine = async (connections: readonly Connection[], deps: DoctorDeps, tell: (findings: readonly ConnectionFinding[]) => void): Promise<boolean> => {
  const { configuration, resolveTxt = systemResolveTxt, now = () => Date.now() / 1_000, patience = usualPatience, whole = usualWhole } = deps
  const outbound = createOutbound({ configuration: () => configuration, patience })
  const reached = createReached(configuration, patience.connect)
  const expiries = createExpiries()
  const late: readonly Finding[] = [warning('time', `all of it within ${Math.round(whole / 1_000)} s`, 'too slow', 'Ask for this connection alone: portico doctor <connection>')]
  const timeIsUp = Promise.withResolvers<readonly Finding[]>()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    timeIsUp.resolve(late)
  }, whole)
  let hasProblem = false

  const look = async (connection: Connection): Promise<void> => {
    const reach = connection.connector === 'saml' ? samlReach(connection) : reachOf(connection, dialectOf(connection))
    const examination: Examination = { connection, configuration, reach, outbound, reached, resolveTxt, now }
    const failed = (error: unknown): readonly Finding[] =>
      [problem('doctor', 'to look at this connection', error instanceof PorticoError ? error.code : error instanceof Error ? error.name : 'a defect', 'This is a defect of Portico: report it with the connector and the provider\'s name.')]
    const findings = isLate ? late : await Promise.race([examineConnection(examination, expiries).catch(failed), timeIsUp.promise])
    if (findings.some(({ level }) => level === 'problem')) hasProblem = true
    tell(findings.map(finding => ({ connection: connection.id, ...finding })))
  }

  const waiting = [...connections]
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await look(next)
  }
  try {
    await Promise.all(Array.from({ length: breadth }, lane))
    return hasProblem
  } finally {
    clearTimeout(timer)
    await outbound.close()
  }
}
