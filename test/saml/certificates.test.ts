import { X509Certificate } from 'node:crypto'
import { pino } from 'pino'
import t from 'tap'
import type { Configuration, Connection } from '../../src/config/configuration.ts'
import { thumbprintOf } from '../../src/config/idp-certificate.ts'
import { saml } from '../../src/config/schema/connectors/saml.ts'
import { createExpiries } from '../../src/connections/expiry.ts'
import { createCertificateWatch } from '../../src/connections/saml/certificate-watch.ts'
import type { IdpDescription } from '../../src/connections/saml/description.ts'
import { createStatus } from '../../src/hosts/status.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { analytics, createWorld, eventually, type World } from '../sessions/world.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'
import { createForge, createForgeKey } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { origins } from '../support/gateway.ts'
import { startSamlGateway } from '../support/saml/gateway.ts'

const day = 86_400
const key = createForgeKey()
const certificateUntil = (name: string, until?: number): string => createCertificate(key, { name, ...until !== undefined && { until: new Date(until * 1_000) } })
const one = certificateUntil('one')
const two = certificateUntil('two')
const thumbprint = (pem: string): string => thumbprintOf(new X509Certificate(pem))

const descriptionOf = (certificates: readonly string[], changed: Partial<IdpDescription> = {}): IdpDescription => ({
  entityId: 'https://idp.acme.example/saml', sso: {}, slo: {}, sloResponse: {}, certificates, wantsSignedRequests: false, validUntil: undefined, cacheDuration: undefined, ...changed
})

/** The connection that the sessions of a test are of: with certificates of its own, or by URL. */
const okta = (certificates?: readonly string[]): Connection => connectionOf('okta', organizationOf('acme'), {
  connector: 'saml',
  settings: saml.parse({ connector: 'saml', domains: ['acme.com'], ...certificates === undefined ? { metadata_url: 'https://idp.acme.example/metadata' } : { certificates, entity_id: 'x', sso_url: 'https://idp.acme.example' } }),
  saml: { metadata: undefined, certificates: certificates ?? [], metadataCertificates: [] }
})

/** The watch of one process: over its store and its sessions. */
const watchOf = ({ store, sessions, clock }: World, connection: Connection, changed = () => {}) => {
  const lines: Record<string, unknown>[] = []
  const force = { connection, described: 0 }
  let configuration: Configuration = configurationOf({ connections: new Map([['okta', connection]]) })
  const watch = createCertificateWatch({
    configuration: () => configuration,
    describe: async ({ saml }) => {
      force.described++
      return descriptionOf(saml?.certificates ?? [])
    },
    store,
    revoke: sessions.revoke,
    log: pino({ level: 'info' }, { write: (line: string) => { lines.push(JSON.parse(line)) } }),
    changed,
    now: () => clock.now
  })
  const reload = async (next: Connection): Promise<void> => {
    force.connection = next
    configuration = configurationOf({ connections: new Map([['okta', next]]) })
    await watch.begin()
  }
  return { watch, lines, force, reload, see: (...certificates: readonly string[]) => watch.seen(force.connection, descriptionOf(certificates)) }
}

const signedInBy = (world: World, pem: string): Promise<string> => world.signIn({ saml: { certificate: thumbprint(pem), nameId: undefined } })

t.test('R17 a certificate that leaves the configuration ends the sessions that began by it, everywhere, and no others', async t => {
  const world = await createWorld(t)
  const beside = await world.beside()
  const { watch, reload } = watchOf(world, okta([one, two]))
  t.teardown(watch.stop)
  await watch.begin()
  const [byOne, byTwo] = [await signedInBy(world, one), await signedInBy(world, two)]
  const oidc = await world.signIn({ connection: 'google' })
  await reload(okta([two, one, certificateUntil('three')]))
  t.ok(world.sessions.find(byOne, analytics), 'one more, and another order, change nothing')
  await reload(okta([two]))
  t.equal(world.sessions.find(byOne, analytics), undefined)
  t.ok(world.sessions.find(byTwo, analytics))
  t.ok(world.sessions.find(oidc, analytics))
  t.ok(await eventually(() => beside.sessions.find(byOne, analytics) === undefined), 'on another instance as well')
  t.ok(beside.sessions.find(byTwo, analytics))
  world.clock.now += 5
  await reload(okta([one, two]))
  t.equal(world.sessions.find(byOne, analytics), undefined, 'listed again, it revives nothing')
  t.ok(world.sessions.find(await signedInBy(world, one), analytics), 'and signs in again')
})

t.test('R17 one that leaves while Portico is stopped counts, and what did not change is not read again', async t => {
  const world = await createWorld(t)
  const first = watchOf(world, okta([one, two]))
  await first.watch.begin()
  t.equal(first.force.described, 1)
  const [byOne, byTwo] = [await signedInBy(world, one), await signedInBy(world, two)]
  await first.watch.stop()
  const same = watchOf(world, okta([one, two]))
  await same.watch.begin()
  t.equal(same.force.described, 0)
  t.same(same.watch.expiring(same.force.connection).map(({ what }) => what), ['idp_certificate'], 'and what it said is known')
  await same.watch.stop()
  t.ok(world.sessions.find(byOne, analytics))
  const edited = watchOf(world, okta([two]))
  await edited.watch.begin()
  t.equal(world.sessions.find(byOne, analytics), undefined)
  t.ok(world.sessions.find(byTwo, analytics))
  await edited.watch.stop()
})

t.test('R17 one that leaves the metadata behind a URL', async t => {
  const world = await createWorld(t)
  const first = watchOf(world, okta())
  await first.watch.begin()
  t.equal(first.force.described, 0, 'nothing is fetched for it')
  await first.see(one)
  const byOne = await signedInBy(world, one)
  await first.see(one, two)
  t.ok(world.sessions.find(byOne, analytics))
  const byTwo = await signedInBy(world, two)
  await first.watch.stop()
  const restarted = watchOf(world, okta())
  await restarted.watch.begin()
  t.ok(world.sessions.find(byOne, analytics))
  await restarted.see(two)
  t.equal(world.sessions.find(byOne, analytics), undefined, 'fetched for the first time after a restart')
  t.ok(world.sessions.find(byTwo, analytics))
  await restarted.watch.stop()
})

t.test('R17 a process that learns it later ends what began there meanwhile', async t => {
  const world = await createWorld(t)
  const first = watchOf(world, okta())
  const late = watchOf(world, okta())
  t.teardown(first.watch.stop)
  t.teardown(late.watch.stop)
  await first.see(one)
  await late.see(one)
  await first.see(two)
  world.clock.now += 100
  const meanwhile = await signedInBy(world, one)
  t.ok(world.sessions.find(meanwhile, analytics))
  await late.see(two)
  t.equal(world.sessions.find(meanwhile, analytics), undefined)
})

t.test('R17 a store that is down keeps nothing alive here, and is told later', async t => {
  const world = await createWorld(t)
  const { watch, reload, lines } = watchOf(world, okta([one, two]))
  t.teardown(watch.stop)
  await watch.begin()
  const byOne = await signedInBy(world, one)
  for (const call of ['get', 'put', 'addRevocation'] as const) world.broken.add(call)
  await reload(okta([two]))
  t.equal(world.sessions.find(byOne, analytics), undefined)
  t.equal(lines.filter(({ level }) => level === 50).length, 1, 'an alarm')
  world.broken.clear()
  t.ok(await eventually(async () => !(await world.store.get('certificates', 'okta'))?.includes(thumbprint(one))), 'asked again')
  const restarted = watchOf(world, okta([two]))
  await restarted.watch.begin()
  t.equal(restarted.force.described, 0)
  await restarted.watch.stop()

  await world.store.put('certificates', 'okta', '{"certificates":"nonsense"', world.clock.now + 1_000)
  const fresh = watchOf(world, okta([two]))
  await fresh.watch.begin()
  t.equal(fresh.force.described, 1, 'what cannot be read is as if it were not there')
  await fresh.watch.stop()
})

t.test('R11 certificates and metadata of identity providers expire: the watch, the metric, and the status page', async t => {
  const world = await createWorld(t)
  const now = Math.floor(Date.now() / 1_000)
  world.clock.now = now
  let changes = 0
  const connection = okta()
  const { watch } = watchOf(world, connection, () => { changes++ })
  t.teardown(watch.stop)
  const expiries = createExpiries(watch.expiring)
  t.same(expiries(connection), [], 'nothing is known before it was fetched')
  const [gone, soon, later] = [certificateUntil('gone', now - day), certificateUntil('soon', now + 5 * day), certificateUntil('later', now + 400 * day)]
  await watch.seen(connection, descriptionOf([gone, soon, later]))
  t.equal(changes, 1, 'looked at at once')
  const certificate = (left: number) => ({ connection: 'okta', what: 'idp_certificate' as const, at: now + left * day })
  t.same(expiries(connection), [certificate(5), certificate(400)], 'one that was replaced is no news')
  await watch.seen(connection, descriptionOf([gone]))
  t.same(expiries(connection), [certificate(-1)], 'unless it is the last')

  const metrics = createMetrics({ expiring: () => expiries(connection) })
  t.match(await metrics.registry.metrics(), `portico_idp_certificate_expires_timestamp_seconds{connection="okta"} ${now - day}\n`)
  const status = await createStatus({
    configuration: () => configurationOf({ connections: new Map([['okta', connection]]) }),
    connectors: { health: () => ({ lastGood: undefined, lastError: undefined, lastErrorAt: undefined }) },
    reloads: () => ({ loadedAt: new Date(0), at: new Date(0), problems: [] }),
    ready: async () => undefined,
    websockets: () => 0,
    expiries
  })()
  t.match(status.connections, [{ id: 'okta', expires: [{ what: 'idp_certificate', level: 'expired' }] }])

  const until = (seconds: number) => descriptionOf([later], { validUntil: now + seconds })
  await watch.seen(connection, until(7 * day))
  t.same(expiries(connection), [certificate(400)], 'metadata by URL that ends in a week is renewed until then')
  world.clock.now += day
  await watch.seen(connection, until(8 * day))
  world.clock.now += 2 * day - 1
  t.same(expiries(connection), [certificate(400)], 'it was')
  world.clock.now += 1
  const metadata = { connection: 'okta', what: 'idp_metadata', at: now + 8 * day }
  t.same(expiries(connection), [certificate(400), metadata], 'it no longer is')
  await watch.seen(connection, descriptionOf([later, two], { validUntil: now + 8 * day }))
  t.match(expiries(connection).at(-1), metadata, 'another certificate does not put it off')
  const file = okta([later])
  await watch.seen(file, until(7 * day))
  t.match(expiries(file).at(-1), { what: 'idp_metadata', at: now + 7 * day }, 'that of a file nobody renews')
})

t.test('R11 R17 the whole gateway: a rollover at the provider, and in a file', async t => {
  const forgeKey = createForgeKey()
  const expiring = createCertificate(forgeKey, { until: new Date(Date.now() + 5.5 * day * 1_000) })
  const world = await startSamlGateway(t, { forge: { privateKey: forgeKey, certificate: expiring } })
  const page = `${origins.analytics}/`
  const metricsOf = async (): Promise<string> => await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text()
  const browser = world.browser()
  t.equal((await world.signInBySaml(browser, page)).status, 200)
  t.ok(await eventually(async () => (await metricsOf()).includes('portico_idp_certificate_expires_timestamp_seconds{connection="acme_saml"}')))
  t.ok(await eventually(() => world.lines.some(({ what, connection, level, days_left: left }) => what === 'idp_certificate' && connection === 'acme_saml' && level === 'warn' && left === 5)), 'warned of')

  const next = createForge({ connection: 'acme_saml', entityId: world.forge.entityId })
  const usual = world.idp.metadata
  world.idp.metadata = () => usual().replace(/<ds:X509Certificate>[^<]*/, `<ds:X509Certificate>${next.certificate.replace(/-----.*?-----|\s/g, '')}`)
  const respond = world.idp.respond
  world.idp.respond = request => next.sign(next.response({ inResponseTo: request.attribute('ID') }))
  const other = world.browser()
  t.equal((await world.signInBySaml(other, page)).status, 200, 'by a key that came that moment')
  t.ok(await eventually(async () => (await browser.open(page, { until: () => true })).location !== undefined), 'and the old one has ended its session')
  t.equal((await other.open(page)).status, 200)
  world.idp.respond = respond

  const values = (...pems: readonly string[]) => world.acmeWith({
    metadata_url: undefined, entity_id: world.forge.entityId, sso_url: world.idp.ssoUrl, certificates: JSON.stringify(pems)
  })
  // what began in the second in which a certificate left is over, whichever of the two came first
  world.setClock(5)
  await world.reload({ acme: values(expiring, next.certificate) })
  const third = world.browser()
  t.equal((await world.signInBySaml(third, page)).status, 200)
  await world.reload({ acme: values(next.certificate, expiring) })
  t.equal((await third.open(page)).status, 200)
  await world.reload({ acme: values(next.certificate) })
  t.ok(await eventually(async () => (await third.open(page, { until: () => true })).location !== undefined))
})
