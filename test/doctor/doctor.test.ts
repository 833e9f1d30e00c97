import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Configuration, Connection } from '../../src/config/configuration.ts'
import { entra } from '../../src/config/schema/connectors/entra.ts'
import { oidc } from '../../src/config/schema/connectors/oidc.ts'
import { examine, type DoctorDeps } from '../../src/doctor/doctor.ts'
import type { ConnectionFinding, Level } from '../../src/doctor/finding.ts'
import { ownershipRecord } from '../../src/doctor/ownership.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'
import { createSigningKey, startHostileProvider, type HostileProvider, type Responder, type Script } from '../support/hostile-provider.ts'
import { startProvider } from '../support/provider.ts'

const secret = 'the secret of the client at this provider'
const callback = 'http://auth.localhost:8080/login/oidc_acme/callback'
const key = await createSigningKey()

const acme = organizationOf('acme', { name: 'Acme' })
const common = { status: 'active', domains: ['acme.com'], client_id: 'portico', client_secret: 'in the connection' }

const connectionTo = (discoveryUrl: string, { id = 'oidc_acme', settings = {}, ...changed }: Partial<Omit<Connection, 'settings'>> & { settings?: Record<string, unknown> } = {}): Connection => connectionOf(id, acme, {
  clientSecret: secret,
  settings: oidc.parse({ connector: 'oidc', ...common, discovery_url: discoveryUrl, ...settings }),
  ...changed
})

const noRecord: DoctorDeps['resolveTxt'] = () => Promise.reject(Object.assign(new Error('queryTxt ENODATA'), { code: 'ENODATA' }))

interface Looked {
  readonly hasProblem: boolean
  readonly findings: readonly ConnectionFinding[]
  /** The level of each check that was made, the worst where it was made more than once. */
  readonly levels: Readonly<Record<string, Level>>
  of (check: string): ConnectionFinding
}

const order: readonly Level[] = ['ok', 'warning', 'problem']

const look = async (connections: Connection | readonly Connection[], deps: Partial<DoctorDeps> = {}, overrides: Partial<Configuration> = {}): Promise<Looked> => {
  const list = 'id' in connections ? [connections] : connections
  const configuration = configurationOf({ connections: new Map(list.map(each => [each.id, each])), ...overrides })
  const findings: ConnectionFinding[] = []
  const hasProblem = await examine(list, { configuration, resolveTxt: noRecord, patience: { connect: 1_000, whole: 2_000 }, ...deps }, found => { findings.push(...found) })
  const levels: Record<string, Level> = {}
  for (const { check, level } of findings) {
    if (order.indexOf(level) >= order.indexOf(levels[check] ?? 'ok')) levels[check] = level
  }
  return {
    hasProblem,
    findings,
    levels,
    of: check => {
      const found = findings.filter(finding => finding.check === check).sort((one, other) => order.indexOf(other.level) - order.indexOf(one.level))[0]
      if (found === undefined) throw new Error(`nothing was found about ${check}: ${JSON.stringify(findings)}`)
      return found
    }
  }
}

/** A hostile provider that tells a wrong client secret from a wrong code, as most do. */
const start = async (test: { teardown (handler: () => unknown): void }, script: Script = {}): Promise<HostileProvider> => {
  const provider = await startHostileProvider({ key, script })
  test.teardown(provider.close)
  return provider
}

const json = (status: number, body: unknown): Responder => (_request, response) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const secretOf = (authorization: string | undefined, body: string): string =>
  new URLSearchParams(body).get('client_secret') ?? decodeURIComponent(Buffer.from((authorization ?? '').slice(6), 'base64').toString().split(':')[1]?.replaceAll('+', ' ') ?? '')

/** A token or revocation endpoint that answers `right` to the secret and `wrong` to any other. */
const judging = (right: [number, unknown], wrong: [number, unknown]): Responder => (request, response, body) =>
  json(...secretOf(request.headers.authorization, body) === secret ? right : wrong)(request, response, body)

const invalidClient: [number, unknown] = [401, { error: 'invalid_client', error_description: 'Client authentication failed' }]
const invalidGrant: [number, unknown] = [400, { error: 'invalid_grant', error_description: 'unknown code' }]

t.test('R16 R26 a real provider: everything is proven, the issuer is named, and nothing secret is told', async t => {
  const provider = await startProvider({
    clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: [callback] }],
    accounts: {}
  })
  t.teardown(provider.close)
  const connection = connectionTo(provider.issuer)
  const { hasProblem, findings, levels, of } = await look(connection)
  t.equal(hasProblem, false)
  t.match(levels, {
    reach: 'ok', discovery: 'ok', issuer: 'ok', algorithms: 'ok', pkce: 'ok', scopes: 'ok', keys: 'ok', 'authorization endpoint': 'ok',
    'userinfo endpoint': 'ok', 'end session endpoint': 'ok', 'client secret': 'ok', 'redirect URI': 'ok', clock: 'ok', domain: 'warning'
  })
  t.equal(of('issuer').got, provider.issuer, 'R26 the issuer as the provider names it')
  t.match(of('client secret').got, /^proven /)
  t.match(of('redirect URI').got, /^registered/)
  for (const finding of findings) {
    t.equal(finding.remedy === undefined, finding.level === 'ok', `${finding.check} has a remedy when it is not fine`)
    t.notMatch(JSON.stringify(finding), secret)
  }
  t.ok((provider.hits.get('/token') ?? 0) <= 2, 'at most two token requests')

  const refuted = await look(connectionTo(provider.issuer, { clientSecret: 'some other secret altogether' }))
  t.equal(refuted.hasProblem, true)
  t.match(refuted.of('client secret'), { level: 'problem', got: /^refuted: refused/, remedy: /client_secret|new one/ })

  const elsewhere = await look(connectionTo(provider.issuer, { id: 'oidc_elsewhere' }))
  t.match(elsewhere.of('redirect URI'), { level: 'problem', got: /^not registered/, wanted: /login\/oidc_elsewhere\/callback/ })
})
