import { randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { mock } from 'node:test'
import { pino } from 'pino'
import t from 'tap'
import type { Connection, SamlFiles } from '../../src/config/configuration.ts'
import { saml } from '../../src/config/schema/connectors/saml.ts'
import { createOutbound } from '../../src/connections/outbound/http.ts'
import type { IdpDescription } from '../../src/connections/saml/description.ts'
import { createSamlProviders } from '../../src/connections/saml/provider.ts'
import { createVerifier } from '../../src/connections/saml/verifier.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'
import { createForge, createForgeKey, type MetadataFacts } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { signXml } from '../support/saml/signing.ts'
import { codeOf } from '../connections/setup.ts'

type Test = { testdir (): string, teardown (handler: () => unknown): void }

const key = createForgeKey()
const forge = createForge({ privateKey: key })
const [old, renewed] = ['old', 'renewed'].map(name => createCertificate(key, { name }))
if (old === undefined || renewed === undefined) throw new Error('no certificates')
const { entityId } = forge
const sso = { ssoRedirect: 'https://idp.acme.example/sso' }
const day = 86_400
const now = (): number => Date.now() / 1_000

/** Metadata over HTTP; `answer` is what the next fetch gets. */
const startIdp = async (t: Test) => {
  const idp = {
    hits: 0,
    answer: (response: ServerResponse): void => { response.setHeader('content-type', 'application/samlmetadata+xml').end(idp.xml) },
    xml: forge.metadata({ ...sso, certificates: [old] }),
    url: '',
    says (facts: MetadataFacts) { idp.xml = forge.metadata({ ...sso, certificates: [old], ...facts }) }
  }
  const server = createServer((_request, response) => {
    idp.hits++
    idp.answer(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    server.closeAllConnections()
    server.close(resolve)
  }))
  idp.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`
  return idp
}

const connectionWith = (settings: Readonly<Record<string, unknown>>, files: Partial<SamlFiles> = {}, changed: Partial<Connection> = {}): Connection => connectionOf('acme_saml', organizationOf('acme'), {
  connector: 'saml',
  saml: { metadata: undefined, certificates: [], metadataCertificates: [], ...files },
  settings: saml.parse({ connector: 'saml', domains: ['acme.com'], ...settings }),
  fingerprint: JSON.stringify(settings),
  ...changed
})

const keys = [randomBytes(32)]
const verifier = createVerifier()
t.teardown(() => verifier.close())

/** One process, with a clock that can be moved; another one may share the store. */
const startProcess = (t: Test, first: Connection, store: Store = createSqliteStore({ path: join(t.testdir(), 'portico.db') })) => {
  const lines: Record<string, unknown>[] = []
  const described: IdpDescription[] = []
  const world = { connection: first, ahead: 0, keys }
  const configuration = () => configurationOf({ keys: world.keys, connections: new Map([[world.connection.id, world.connection]]) })
  let current = configuration()
  const outbound = createOutbound({ configuration: () => current, patience: { connect: 1_000, whole: 3_000 } })
  const providers = createSamlProviders({
    store,
    configuration: () => current,
    outbound,
    verifier,
    log: pino({ level: 'info' }, { write: (line: string) => { lines.push(JSON.parse(line)) } }),
    now: () => now() + world.ahead,
    described: (_connection, description) => { described.push(description) }
  })
  t.teardown(() => {
    providers.close()
    return outbound.close()
  })
  return {
    store,
    lines,
    described,
    provider: () => providers.of(world.connection),
    health: () => providers.health(world.connection),
    describe: () => providers.of(world.connection).description(),
    forward: (seconds: number) => { world.ahead += seconds },
    reload: (connection: Connection, ring = keys) => {
      world.connection = connection
      world.keys = ring
      current = configuration()
    }
  }
}

const eventually = async (holds: () => boolean): Promise<boolean> => {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise(resolve => setTimeout(resolve, 10))
  return holds()
}

t.test('R7 metadata by URL: fetched when somebody asks, once for all who wait, and again after a day', async t => {
  const idp = await startIdp(t)
  const { provider, describe, health, forward, described } = startProcess(t, connectionWith({ metadata_url: idp.url }))
  t.same(health(), { lastGood: undefined, lastError: undefined, lastErrorAt: undefined })
  t.equal(provider().issuer(), idp.url, 'before it is known')
  t.equal(idp.hits, 0)
  const [one, other] = await Promise.all([describe(), describe()])
  t.equal(one, other)
  t.match(one, { entityId, certificates: [old], sso: { redirect: sso.ssoRedirect } })
  t.equal(provider().issuer(), entityId)
  t.equal(idp.hits, 1)
  t.ok(Math.abs((health().lastGood ?? 0) - now()) < 60)
  forward(0.89 * day)
  await describe()
  t.equal(idp.hits, 1, 'a tenth more or less')
  forward(0.22 * day)
  idp.says({ certificates: [old, renewed] })
  t.equal(await describe(), one, 'nobody waits for the new one')
  t.ok(await eventually(() => described.length === 2))
  t.match(await describe(), { certificates: [old, renewed] })
  t.equal(idp.hits, 2)
})

t.test('R7 cacheDuration and an end that is near are minded, within limits; with nobody asking as well', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const idp = await startIdp(t)
  const tended = async (attributes: string, seconds: number): Promise<number> => {
    idp.hits = 0
    idp.xml = forge.metadata({ ...sso, certificates: [old] }).replace('<md:EntityDescriptor', `<md:EntityDescriptor ${attributes}`)
    const process = startProcess({ testdir: () => t.testdir(), teardown: handler => t.teardown(handler) }, connectionWith({ metadata_url: idp.url }))
    await process.describe()
    process.forward(seconds)
    mock.timers.tick(600_000)
    await eventually(() => idp.hits > 1)
    return idp.hits
  }
  t.equal(await tended('cacheDuration="PT1H"', 1.11 * 3_600), 2)
  t.equal(await tended('cacheDuration="P7D"', 1.11 * day), 2, 'once a day all the same')
  t.equal(await tended(`validUntil="${new Date((now() + 7_200) * 1_000).toISOString()}"`, 1.11 * 3_600), 2)
})

t.test('S26 a provider that is down, lies or is hostile: the last good copy serves, over restarts too', async t => {
  const idp = await startIdp(t)
  const connection = connectionWith({ metadata_url: idp.url })
  const first = startProcess(t, connection)
  const good = await first.describe()
  const well = idp.answer
  const entities = forge.metadata({ ...sso, certificates: [old] })
  const failures: Readonly<Record<string, readonly [string, (response: ServerResponse) => void]>> = {
    down: ['PORTICO_IDP_UNREACHABLE', response => { response.destroy() }],
    'not now': ['PORTICO_IDP_UNREACHABLE', response => { response.writeHead(503).end() }],
    'a redirect': ['PORTICO_IDP_ANSWER', response => { response.writeHead(302, { location: idp.url }).end() }],
    'a page': ['PORTICO_SAML_METADATA', response => { response.end('<!DOCTYPE html><p>Sign in to the network') }],
    'too large': ['PORTICO_IDP_ANSWER', response => { response.end('x'.repeat(1_024 * 1_024 + 1)) }],
    'another entity': ['PORTICO_SAML_METADATA', response => { response.end(forge.metadata({ ...sso, entityId: 'https://evil.example' })) }],
    'without certificates': ['PORTICO_SAML_METADATA', response => { response.end(forge.metadata({ ...sso, certificates: [] })) }],
    expired: ['PORTICO_SAML_METADATA', response => { response.end(forge.metadata({ ...sso, validUntil: '2020-01-01T00:00:00Z' })) }],
    'plain http elsewhere': ['PORTICO_SAML_METADATA', response => { response.end(entities.replace('https://idp.acme.example/sso', 'http://idp.acme.example/sso')) }],
    'an element flood': ['PORTICO_SAML_METADATA', response => { response.end(entities.replace('<md:IDPSSODescriptor', `<x/>${'<x/>'.repeat(100_000)}<md:IDPSSODescriptor`)) }]
  }
  for (const [what, [code, answer]] of Object.entries(failures)) {
    idp.answer = answer
    const { lastErrorAt: before } = first.health()
    first.forward(1.2 * day)
    t.equal(await first.describe(), good, what)
    t.ok(await eventually(() => first.health().lastErrorAt !== before))
    t.equal(first.health().lastError, code, what)
    t.equal(await first.describe(), good, `still, after ${what}`)
  }
  const told = first.lines.filter(({ level }) => level === 40)
  t.equal(told.length, Object.keys(failures).length, 'each was told once')
  t.notOk(JSON.stringify(first.lines).includes('evil.example/'), 'nothing of theirs beside the name')

  const restarted = startProcess(t, connection, first.store)
  t.same(JSON.parse(JSON.stringify(await restarted.describe())), JSON.parse(JSON.stringify(good)), 'from the store')
  idp.answer = well
  t.ok((first.health().lastErrorAt ?? 0) > 0)
  first.forward(10)
  await first.describe()
  t.ok(await eventually(() => first.health().lastError === undefined), 'well again')
  t.match(first.lines.at(-1), { level: 30, connection: 'acme_saml' })

  const changedRing = startProcess(t, connection, first.store)
  changedRing.reload(connection, [randomBytes(32)])
  idp.answer = response => { response.destroy() }
  t.equal(await codeOf(changedRing.describe()), 'PORTICO_IDP_UNREACHABLE', 'a copy that the keys do not vouch for is none')
  const other = startProcess(t, connectionWith({ metadata_url: `${idp.url}/other` }), first.store)
  t.equal(await codeOf(other.describe()), 'PORTICO_IDP_UNREACHABLE', 'V20 nor is one of another address')
})

t.test('S16 S26 the entity is pinned: by entity_id, else by the first document that was good', async t => {
  const idp = await startIdp(t)
  const wrong = startProcess(t, connectionWith({ metadata_url: idp.url, entity_id: 'https://another.example' }))
  t.equal(await codeOf(wrong.describe()), 'PORTICO_SAML_METADATA')
  t.equal(wrong.provider().issuer(), 'https://another.example')
  const first = startProcess(t, connectionWith({ metadata_url: idp.url }))
  await first.describe()
  idp.says({ entityId: 'https://moved.example' })
  const restarted = startProcess(t, connectionWith({ metadata_url: idp.url }), first.store)
  t.match(await restarted.describe(), { entityId })
  t.equal(await restarted.provider().refresh(), false)
  t.match(await restarted.describe(), { entityId })
  t.equal(restarted.health().lastError, 'PORTICO_SAML_METADATA')
  const told = startProcess(t, connectionWith({ metadata_url: idp.url, entity_id: 'https://moved.example' }), first.store)
  t.match(await told.describe(), { entityId: 'https://moved.example' }, 'until the operator says so')
})

t.test('S26 metadata_certificates: only what one of them signed, and no copy from before it was asked for', async t => {
  const idp = await startIdp(t)
  const authority = createForge()
  const first = startProcess(t, connectionWith({ metadata_url: idp.url }))
  await first.describe()
  const asking = connectionWith({ metadata_url: idp.url, metadata_certificates: ['x'] }, { metadataCertificates: [authority.certificate] })
  const careful = startProcess(t, asking, first.store)
  t.equal(await codeOf(careful.describe()), 'PORTICO_SAML_SIGNATURE')
  idp.xml = signXml(idp.xml.replace('<md:EntityDescriptor', '<md:EntityDescriptor ID="_1"'), { key: authority.privateKey, after: '/*/*[1]' })
  careful.forward(4)
  t.match(await careful.describe(), { entityId })
})

t.test('a key that is not known: metadata is fetched again, once a minute at most', async t => {
  const idp = await startIdp(t)
  const { provider, describe, forward } = startProcess(t, connectionWith({ metadata_url: idp.url }))
  await describe()
  t.equal(await provider().refresh(), false, 'nothing new')
  t.equal(idp.hits, 2)
  idp.says({ certificates: [renewed] })
  t.equal(await provider().refresh(), false)
  t.equal(idp.hits, 2, 'within the minute')
  forward(61)
  t.same(await Promise.all([provider().refresh(), provider().refresh()]), [true, true], 'all who wait are told')
  t.equal(idp.hits, 3)
  t.match(await describe(), { certificates: [renewed] })
  t.equal(await provider().refresh(), true, 'whoever asks a moment later may not know it yet')
  forward(61)
  idp.answer = response => { response.destroy() }
  t.equal(await provider().refresh(), false, 'a provider that is down')
  t.match(await describe(), { certificates: [renewed] })
  t.equal(idp.hits, 4)
})

t.test('S26 after validUntil nothing is accepted any more, whatever is in the store', async t => {
  const idp = await startIdp(t)
  idp.says({ validUntil: new Date((now() + 3_600) * 1_000).toISOString() })
  const first = startProcess(t, connectionWith({ metadata_url: idp.url }))
  t.match(await first.describe(), { entityId })
  idp.answer = response => { response.writeHead(500).end() }
  first.forward(3_601)
  t.equal(await codeOf(first.describe()), 'PORTICO_IDP_UNREACHABLE')
  const restarted = startProcess(t, connectionWith({ metadata_url: idp.url }), first.store)
  restarted.forward(3_601)
  t.equal(await codeOf(restarted.describe()), 'PORTICO_IDP_UNREACHABLE')
  const file = startProcess(t, connectionWith({ metadata_file: 'x' }, { metadata: idp.xml }))
  t.match(await file.describe(), { entityId })
  file.forward(3_601)
  t.equal(await codeOf(file.describe()), 'PORTICO_SAML_METADATA')
})

t.test('R7 metadata as a file, and as single values', async t => {
  const file = startProcess(t, connectionWith({ metadata_file: 'x' }, { metadata: forge.metadata({ ...sso, certificates: [old, renewed] }) }))
  t.match(await file.describe(), { entityId, certificates: [old, renewed] })
  t.equal(await file.describe(), await file.describe())
  t.ok((file.health().lastGood ?? 0) > 0)
  t.equal(await file.provider().refresh(), false)
  const before = file.provider()
  file.reload(connectionWith({ metadata_file: 'x' }, { metadata: forge.metadata({ ...sso, certificates: [renewed] }) }))
  t.not(file.provider(), before)
  t.match(await file.describe(), { certificates: [renewed] }, 'another file under the same name')
  const plain = forge.metadata({ ssoRedirect: 'http://idp.acme.example/sso' })
  t.equal(await codeOf(startProcess(t, connectionWith({ metadata_file: 'x' }, { metadata: plain })).describe()), 'PORTICO_SAML_METADATA')
  t.match(await startProcess(t, connectionWith({ metadata_file: 'x', dangerously_allow_http: true }, { metadata: plain })).describe(), { entityId })

  const values = startProcess(t, connectionWith({ entity_id: entityId, sso_url: 'https://idp.acme.example/sso', slo_url: 'https://idp.acme.example/slo', certificates: ['x'] }, { certificates: [old] }))
  t.equal(values.provider().issuer(), entityId)
  t.same(await values.describe(), {
    entityId,
    sso: { redirect: 'https://idp.acme.example/sso', post: undefined },
    slo: { redirect: 'https://idp.acme.example/slo', post: undefined },
    sloResponse: { redirect: undefined, post: undefined },
    certificates: [old],
    wantsSignedRequests: false,
    validUntil: undefined,
    cacheDuration: undefined
  })
})
