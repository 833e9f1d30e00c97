import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { SamlFiles } from '../../src/config/configuration.ts'
import { saml } from '../../src/config/schema/connectors/saml.ts'
import { examine, type DoctorDeps } from '../../src/doctor/doctor.ts'
import type { ConnectionFinding, Level } from '../../src/doctor/finding.ts'
import { main } from '../../src/main.ts'
import { key } from '../config/support.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'
import { createSigningKey, startHostileProvider, type HostileProvider, type Responder } from '../support/hostile-provider.ts'
import { createForge, createForgeKey } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { startForgeIdp } from '../support/saml/forge-idp.ts'
import { signXml } from '../support/saml/signing.ts'

const acme = organizationOf('acme', { name: 'Acme' })
const forgeKey = createForgeKey()
const forge = createForge({ privateKey: forgeKey })
const day = 86_400_000

const noRecord: DoctorDeps['resolveTxt'] = () => Promise.reject(Object.assign(new Error('queryTxt ENODATA'), { code: 'ENODATA' }))

interface Looked {
  readonly hasProblem: boolean
  readonly findings: readonly ConnectionFinding[]
  /** All that was said of one check, the worst first. */
  of (check: string): readonly ConnectionFinding[]
}

const order: readonly Level[] = ['problem', 'warning', 'ok']

/** What the doctor says of a SAML connection with these settings and files. */
const look = async (settings: Record<string, unknown>, files: Partial<SamlFiles> = {}, deps: Partial<DoctorDeps> & { ca?: string } = {}): Promise<Looked> => {
  const connection = connectionOf('acme_saml', acme, {
    connector: 'saml',
    clientSecret: undefined,
    settings: saml.parse({ connector: 'saml', status: 'active', domains: ['acme.com'], ...settings }),
    saml: { metadata: undefined, certificates: [], metadataCertificates: [], ...files }
  })
  const configuration = configurationOf({ connections: new Map([[connection.id, connection]]), outbound: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined, ca: deps.ca } })
  const findings: ConnectionFinding[] = []
  const hasProblem = await examine([connection], { configuration, resolveTxt: noRecord, patience: { connect: 1_000, whole: 2_000 }, ...deps }, found => { findings.push(...found) })
  for (const { check, level, remedy } of findings) {
    if ((remedy === undefined) !== (level === 'ok')) throw new Error(`${check} has no remedy, or one too many`)
  }
  return { hasProblem, findings, of: check => findings.filter(each => each.check === check).sort((one, other) => order.indexOf(one.level) - order.indexOf(other.level)) }
}

/** A server at which every path is answered by hand; all others are 404. */
const start = async (test: { teardown (handler: () => unknown): void }, answers: Partial<Record<string, Responder>>, tls?: { cert: string, key: string }): Promise<HostileProvider> => {
  const server = await startHostileProvider({ key: await createSigningKey(), script: { answers }, ...tls !== undefined && { tls } })
  test.teardown(server.close)
  return server
}

const answer = (status: number, body: string, headers: Record<string, string> = { 'content-type': 'application/samlmetadata+xml' }): Responder => (_request, response) => {
  response.writeHead(status, headers).end(body)
}

t.test('R7 R16 R26 metadata by URL: the issuer, addresses by binding, each certificate, and what to enter at the provider', async t => {
  const idp = await startForgeIdp(forge, { ssoPost: `${forge.entityId}/post`, wantsSignedRequests: true })
  t.teardown(idp.close)
  const { hasProblem, of, findings } = await look({ metadata_url: idp.metadataUrl })
  t.equal(hasProblem, false)
  t.match(of('reach'), [{ level: 'ok' }], 'a host that is there already is not reached twice')
  t.match(of('metadata'), [{ level: 'ok', got: /^HTTP 200 application\/samlmetadata\+xml, \d+ bytes in \d+ ms$/ }])
  t.match(of('issuer'), [{ level: 'ok', got: forge.entityId }], 'R26 as the provider names itself')
  t.match(of('sign-on address'), [{ level: 'ok', got: `Redirect ${idp.ssoUrl}, POST ${forge.entityId}/post` }])
  t.match(of('logout address'), [{ level: 'ok', got: `Redirect ${idp.sloUrl}` }])
  t.match(of('requests'), [{ level: 'ok', wanted: /as the provider asks/, got: /^signed/ }])
  t.match(of('signing certificate'), [{ level: 'ok', got: /^'CN=forged' RSA 2048, SHA-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}, SHA-1 (?:[0-9A-F]{2}:){19}[0-9A-F]{2}; 33\d days left \(\d{4}-\d\d-\d\d\)$/ }])
  t.match(of('renewal'), [{ level: 'ok', got: /^metadata_url/ }])
  t.match([...of('sign-on'), ...of('logout')], [{}, {}], 'both addresses are asked')
  t.same(idp.requests, [], 'and nothing is submitted to them')
  t.match(of('clock'), [{ level: 'ok' }])
  t.match(of('domain'), [{ level: 'warning' }], 'R2 as for any other connection')
  const [registration] = of('registration')
  t.match(registration, { level: 'warning', got: /^unprovable/, remedy: /test sign-in/ }, 'what nobody can tell without a user is not guessed')
  for (const value of ['acs', 'slo', 'metadata'] as const) t.ok(registration?.wanted.includes(forge.sp[value]), `${value} is named`)
  t.notMatch(JSON.stringify(findings), /BEGIN|<md:/, 'nothing of the documents themselves')
})

t.test('R26 whose metadata it is: as entity_id says, one of several, or another one', async t => {
  const idp = await startForgeIdp(forge)
  t.teardown(idp.close)
  const one = idp.metadata()
  const inFederation = (...entities: readonly string[]): string => `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${entities.join('')}</md:EntitiesDescriptor>`
  const another = forge.metadata({ entityId: 'https://another.example/saml' })
  const told = async (entityId?: string) => await look({ metadata_url: idp.metadataUrl, ...entityId !== undefined && { entity_id: entityId } })

  t.match((await told(forge.entityId)).of('issuer'), [{ level: 'ok', wanted: forge.entityId, got: forge.entityId }])
  const wrong = await told(`${forge.entityId}/`)
  t.match(wrong.of('issuer'), [{ level: 'problem', wanted: `${forge.entityId}/`, got: forge.entityId, remedy: /entity_id/ }])
  t.match(wrong.of('registration'), [{ wanted: new RegExp(forge.sp.acs) }], 'what to enter is said all the same')
  t.same(wrong.of('sign-on'), [], 'and nobody is asked whom a sign-in would not be sent to')

  idp.metadata = () => inFederation(one, another)
  t.match((await told(forge.entityId)).of('issuer'), [{ level: 'ok' }])
  t.match((await told()).of('document'), [{ level: 'problem', got: /another\.example/ }], 'those that are there are named')
  t.match((await told('https://third.example')).of('document'), [{ level: 'problem', wanted: /third\.example/, got: /another\.example/ }])
})

t.test('R16 S8 a weak certificate beside a good one is a warning, as sign-ins go on with the good one', async t => {
  const weak = createCertificate(createForgeKey('rsa', 1_024))
  const idp = await startForgeIdp(forge, { certificates: [weak, forge.certificate] })
  t.teardown(idp.close)
  const { hasProblem, of } = await look({ metadata_url: idp.metadataUrl })
  t.match(of('signing certificate'), [{ level: 'warning', got: /1024 bits/ }, { level: 'ok' }])
  t.equal(hasProblem, false)
})

t.test('R16 S26 each way in which metadata cannot be had or used is told apart', async t => {
  const good = forge.metadata()
  const weak = createCertificate(createForgeKey('rsa', 1_024))
  const server = await start(t, {})
  const told = async (responder: Responder, settings: Record<string, unknown> = {}) => {
    server.script = { answers: { '/metadata': responder } }
    return await look({ metadata_url: `${server.issuer}/metadata`, ...settings }, {}, { patience: { connect: 500, whole: 500 } })
  }
  for (const [label, responder, check, found] of [
    ['not there', answer(404, 'no'), 'metadata', { level: 'problem', got: /^HTTP 404/ }],
    ['moved', answer(301, '', { location: 'https://elsewhere.example/metadata' }), 'metadata', { level: 'problem', got: /^HTTP 301 .* to https:\/\/elsewhere\.example\/metadata$/, remedy: /not followed/ }],
    ['silent', () => undefined, 'metadata', { level: 'problem', got: /PORTICO_IDP_TIMEOUT/ }],
    ['endless', answer(200, ' '.repeat(1_100_000)), 'metadata', { level: 'problem', got: /PORTICO_IDP_ANSWER/ }],
    ['a page', answer(200, '<!doctype html><p>Welcome to the hotel', { 'content-type': 'text/html' }), 'document', { level: 'problem' }],
    ['of another type', answer(200, good, { 'content-type': 'text/plain' }), 'metadata', { level: 'warning', got: /text\/plain/ }],
    ['no XML', answer(200, '{}'), 'document', { level: 'problem' }],
    ['without a provider', answer(200, good.replaceAll('IDPSSODescriptor', 'SPSSODescriptor')), 'document', { level: 'problem', got: /forge|idp\.acme/ }],
    ['over', answer(200, forge.metadata({ validUntil: -60 })), 'document', { level: 'problem', got: /^validUntil / }],
    ['without an address', answer(200, forge.metadata({ ssoRedirect: undefined })), 'document', { level: 'problem', got: 'none' }],
    ['with a weak key', answer(200, forge.metadata({ certificates: [weak] })), 'document', { level: 'problem', got: /1024 bits/ }],
    ['with plain-http addresses', answer(200, forge.metadata({ ssoRedirect: 'http://idp.acme.com/sso' })), 'document', { level: 'problem', got: /http:\/\/idp\.acme\.com, without TLS/ }]
  ] satisfies [string, Responder, string, object][]) {
    const { of, hasProblem } = await told(responder)
    t.match(of(check)[0], found, label)
    t.equal(hasProblem, label !== 'of another type', label)
  }
  t.match((await look({ metadata_url: 'https://nowhere.invalid/metadata' })).of('reach'), [{ level: 'problem', got: /^DNS / }])
  await server.stop()
  t.match((await look({ metadata_url: `${server.issuer}/metadata` })).of('reach'), [{ level: 'problem', got: 'ECONNREFUSED' }])
})

t.test('S26 metadata that must be signed', async t => {
  const server = await start(t, {})
  const id = forge.metadata().replace('<md:EntityDescriptor ', '<md:EntityDescriptor ID="_metadata" ')
  const signed = signXml(id, { target: '/*', after: '/*/*[1]', key: forge.privateKey })
  const told = async (xml: string) => {
    server.script = { answers: { '/metadata': answer(200, xml) } }
    return await look({ metadata_url: `${server.issuer}/metadata`, metadata_certificates: [forge.certificate] }, { metadataCertificates: [forge.certificate] })
  }
  t.match((await told(signed)).of('metadata signature'), [{ level: 'ok' }])
  t.match((await told(signed.replace('/sso"', '/evil"'))).of('metadata signature'), [{ level: 'problem', remedy: /metadata_certificates/ }])
  t.match((await told(forge.metadata())).of('metadata signature'), [{ level: 'problem' }])
})

t.test('R15 the certificate that broke the chain is named; of hosts that browsers alone meet, it is a warning', async t => {
  const pem = (name: string): string => readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8')
  const leafKey = readFileSync(new URL('tls/idp.key', import.meta.url), 'utf8')
  const server = await start(t, {}, { cert: pem('expired'), key: leafKey })
  const origin = `https://idp.localhost:${server.port}`
  const broken = await look({ metadata_url: `${origin}/metadata` }, {}, { ca: pem('root') })
  t.match(broken.of('certificate'), [{ level: 'problem', got: /^'CN=idp\.localhost'.* expired \(CERT_HAS_EXPIRED\)$/ }])
  t.same(broken.of('metadata'), [], 'nothing is asked of a server that is not believed')

  const described = await start(t, { '/metadata': answer(200, forge.metadata({ ssoRedirect: `${origin}/sso` })) })
  const there = await look({ metadata_url: `${described.issuer}/metadata` }, {}, { ca: pem('root') })
  t.equal(there.hasProblem, false)
  t.match(there.of('certificate'), [{ level: 'warning', got: /CERT_HAS_EXPIRED/, remedy: /^Only browsers go there.*Acme.*renews/ }])
})

t.test('R11 days left of certificates and metadata; one that was replaced is no trouble; nothing renews a file or single values', async t => {
  const until = (days: number, name = 'forged'): string => createCertificate(forgeKey, { name, from: new Date(Date.now() - 400 * day), until: new Date(Date.now() + days * day + 3_600_000) })
  const sso = 'http://127.0.0.1:1/sso'
  const values = { entity_id: forge.entityId, sso_url: sso, certificates: ['in the files'] }
  const single = await look(values, { certificates: [until(20)] })
  t.match(single.of('signing certificate'), [{ level: 'warning', got: /; 20 days left/, remedy: /list it beside this one in certificates/ }])
  t.match(single.of('renewal'), [{ level: 'warning', got: 'certificates', remedy: /Nothing here renews/ }])
  t.match(single.of('issuer'), [{ level: 'ok', got: forge.entityId }])
  t.match(single.of('logout address'), [{ level: 'ok', got: /^none/ }])
  t.match(single.of('reach'), [{ level: 'warning', got: 'ECONNREFUSED' }], 'what an operator wrote is looked for, on this machine too')
  t.equal(single.hasProblem, false, 'browsers may reach it')

  t.match((await look(values, { certificates: [until(-3), until(300)] })).of('signing certificate'), [{ level: 'ok' }, { level: 'ok' }])
  t.match((await look(values, { certificates: [until(-3)] })).of('signing certificate'), [{ level: 'warning', got: /expired on/ }])

  const file = await look({ metadata_file: 'idp.xml' }, { metadata: forge.metadata({ ssoRedirect: sso, validUntil: 10 * 86_400, certificates: [until(300)] }) })
  t.match(file.of('metadata'), [{ level: 'ok', wanted: /metadata_file/ }])
  t.match(file.of('validity'), [{ level: 'warning', got: /9 days left|10 days left/, remedy: /new file/ }])
  t.match(file.of('renewal'), [{ level: 'warning', got: 'metadata_file' }])
  const server = await start(t, { '/metadata': answer(200, forge.metadata({ validUntil: 10 * 86_400 })) })
  t.match((await look({ metadata_url: `${server.issuer}/metadata` })).of('validity'), [{ level: 'ok' }], 'by URL it is renewed all the time')
})

t.test('R16 the clocks are compared, by the tolerance of SAML; addresses that answer with errors are told', async t => {
  const server = await start(t, {})
  const told = async (ahead: number, status = 200) => {
    server.script = {
      answers: {
        '/metadata': answer(200, forge.metadata({ ssoRedirect: `${server.issuer}/sso`, sloRedirect: `${server.issuer}/slo` })),
        '/sso': answer(status, 'a page', { 'content-type': 'text/html', date: new Date(Date.now() + ahead * 1_000).toUTCString() }),
        '/slo': answer(405, 'no', { 'content-type': 'text/plain' })
      }
    }
    return await look({ metadata_url: `${server.issuer}/metadata` })
  }
  t.match((await told(0)).of('clock'), [{ level: 'ok' }])
  t.match((await told(-120)).of('clock'), [{ level: 'warning' }])
  t.match((await told(240)).of('clock'), [{ level: 'problem', got: /behind/ }], 'beyond 180 seconds nobody gets in')
  t.match((await told(0, 400)).of('sign-on'), [{ level: 'ok', got: /^HTTP 400/ }], 'whoever brings no request may be told so')
  t.match((await told(0, 405)).of('logout'), [{ level: 'ok', got: /^HTTP 405/ }])
  for (const status of [404, 500]) t.match((await told(0, status)).of('sign-on'), [{ level: 'warning', got: new RegExp(`^HTTP ${status}`), remedy: /sign-in tells/ }])
})

t.test('R16 portico doctor of a SAML connection in a file: for people and as JSON', async t => {
  const idp = await startForgeIdp(forge)
  t.teardown(idp.close)
  const folder = t.testdir({
    'portico.yaml': 'auth_url: http://auth.localhost:8080\nkeys: [{ env: KEY }]\napps: {}\n',
    organizations: { 'acme.yaml': `name: Acme\nconnections:\n  acme_saml:\n    connector: saml\n    status: active\n    domains: [acme.test]\n    metadata_url: ${idp.metadataUrl}\n` }
  })
  const run = async (...args: readonly string[]) => {
    const result = { status: 0, out: '', err: '' }
    result.status = await main(['doctor', ...args, '--config', join(folder, 'portico.yaml')], { env: { KEY: key(1) }, cwd: folder, out: text => { result.out += text }, err: text => { result.err += text } })
    return result
  }
  const lines = await run('acme_saml')
  t.match(lines, { status: 0, err: '' })
  t.match(lines.out, new RegExp(`^acme_saml {2}ok {7}issuer: wanted .*; got ${forge.entityId}$`, 'm'))
  t.match(lines.out, /^1 connection: 0 problems, \d+ warnings?$/m)
  const json: unknown = JSON.parse((await run('acme_saml', '--json')).out)
  t.ok(Array.isArray(json) && json.some(({ check, remedy }) => check === 'registration' && typeof remedy === 'string'))
})
