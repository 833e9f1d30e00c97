import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import t from 'tap'
import type { Configuration } from '../../src/config/configuration.ts'
import { oidc } from '../../src/config/schema/connectors/oidc.ts'
import { judgeCertificates, type CertificateFacts } from '../../src/doctor/certificate.ts'
import { examine } from '../../src/doctor/doctor.ts'
import type { ConnectionFinding } from '../../src/doctor/finding.ts'
import { proxyFor } from '../../src/doctor/proxy.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'
import { createSigningKey, startHostileProvider } from '../support/hostile-provider.ts'

// Made with openssl: root > intermediate, root > aged (an authority that ended in 2020), inspector (nobody's root);
// all leaves have the same key and are for idp.localhost, valid from 2026 to 2126 unless their name says otherwise
const pem = (...names: string[]): string => names.map(name => readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8')).join('\n')
const leafKey = readFileSync(new URL('tls/idp.key', import.meta.url), 'utf8')
const key = await createSigningKey()
const direct = { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined, ca: undefined }

interface Test { teardown (handler: () => unknown): void }

/** What the doctor says of a provider that shows these certificates at `host`. */
const shown = async (test: Test, cert: string, { host = 'idp.localhost', outbound = {} }: { host?: string, outbound?: Partial<Configuration['outbound']> } = {}): Promise<readonly ConnectionFinding[]> => {
  const provider = await startHostileProvider({ key, tls: { cert, key: leafKey } })
  test.teardown(provider.close)
  const origin = `https://${host}:${provider.port}`
  provider.script = { discovery: document => JSON.parse(JSON.stringify(document).replaceAll(provider.issuer, origin)) }
  const connection = connectionOf('acme_oidc', organizationOf('acme'), {
    settings: oidc.parse({ connector: 'oidc', domains: ['acme.com'], discovery_url: origin, client_id: 'portico', client_secret: 'in the connection' })
  })
  const configuration = configurationOf({ connections: new Map([[connection.id, connection]]), outbound: { ...direct, ca: pem('root'), ...outbound } })
  const findings: ConnectionFinding[] = []
  await examine([connection], { configuration, resolveTxt: async () => [], patience: { connect: 2_000, whole: 2_000 } }, found => { findings.push(...found) })
  return findings
}

const certificateOf = (findings: readonly ConnectionFinding[]) => findings.find(({ check }) => check === 'certificate')

t.test('R15 the certificate that broke the chain is named, and why', async t => {
  for (const [name, cert, found] of [
    ['good', pem('good'), { level: 'ok', got: /idp\.localhost' issued by .*Test Root.* days left/ }],
    ['complete', pem('incomplete', 'intermediate'), { level: 'ok' }],
    ['expired', pem('expired'), { level: 'problem', got: /^'CN=idp\.localhost' issued by .*valid 2018-01-01 to 2020-01-01: expired \(CERT_HAS_EXPIRED\)$/, remedy: /renews/ }],
    ['below an expired authority', pem('below-aged', 'aged'), { level: 'problem', got: /^'CN=Aged Intermediate.* 2020-01-01: expired/ }],
    ['of the future', pem('future'), { level: 'problem', got: /not yet valid/, remedy: /clock/ }],
    ['intercepted, root and all', pem('inspected', 'inspector'), { level: 'problem', got: /^'CN=Acme TLS Inspection.*intercepted.* re-signs idp\.localhost/, remedy: /Exempt idp\.localhost .*outbound\.ca/ }],
    ['intercepted', pem('inspected'), { level: 'problem', got: /intercepted/ }],
    ['self-signed', pem('self-signed'), { level: 'problem', got: /self-signed; most likely intercepted/ }],
    ['incomplete', pem('incomplete'), { level: 'problem', got: /incomplete chain/, remedy: /Test Intermediate/ }],
    ['of another host', pem('wrong-host'), { level: 'problem', got: /made for other names: DNS:elsewhere\.example/ }]
  ] as const) {
    const findings = await shown(t, cert)
    t.match(certificateOf(findings), { connection: 'acme_oidc', ...found }, name)
    t.equal(findings.some(({ check }) => check === 'discovery'), found.level === 'ok', `${name}: nothing is asked of a server that is not believed`)
  }
  t.notMatch(certificateOf(await shown(t, pem('expired')))?.got, /intercepted/, 'an expiry is no interception')
  t.match(certificateOf(await shown(t, pem('inspected', 'inspector'), { outbound: { ca: pem('inspector') } })), { level: 'ok' }, 'its root in outbound.ca is the remedy')
})

t.test('R15 R11 days left of a certificate, and devices by their names', async t => {
  const facts = (changed: Partial<CertificateFacts> = {}): CertificateFacts =>
    ({ subject: 'CN=idp.example', issuer: 'CN=An Authority', notBefore: 0, notAfter: 100 * 86_400, names: 'DNS:idp.example', selfSigned: false, tellsIssuer: true, ...changed })
  const judge = (fault: string | undefined, ...chain: CertificateFacts[]) => judgeCertificates({ host: 'idp.example', fault, chain }, 50 * 86_400)
  t.match(judge(undefined, facts()), { level: 'ok', got: /50 days left/ })
  t.match(judge(undefined, facts({ notAfter: 60 * 86_400 })), { level: 'warning', got: /10 days left/ })
  t.match(judge(undefined, facts(), facts({ subject: 'CN=An Authority', notAfter: 52 * 86_400 })), { level: 'warning', got: /^'CN=An Authority'.* 2 days left/ })
  t.match(judge('UNABLE_TO_VERIFY_LEAF_SIGNATURE', facts({ issuer: 'CN=Zscaler Intermediate Root CA' })), { got: /intercepted by Zscaler/ })
  t.match(judge('UNABLE_TO_VERIFY_LEAF_SIGNATURE', facts()), { got: /incomplete chain/ })
  t.match(judge('CERT_REVOKED', facts()), { level: 'problem', got: /CERT_REVOKED/ })
  t.match(judge('CERT_HAS_EXPIRED'), { level: 'problem', got: /no certificate/ })
})

t.test('R15 by the same way as the gateway: through the proxy that is configured', async t => {
  const tunnels: string[] = []
  let refuse = false
  let port = 0
  const proxy = createServer()
  proxy.on('connect', (request, socket, head) => {
    tunnels.push(request.url ?? '')
    if (refuse) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      onward.write(head)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
    onward.pipe(socket)
    socket.pipe(onward)
  })
  await new Promise<void>(resolve => { proxy.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => proxy.close())
  // listen() on a host gives an address object
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`

  const other = await startHostileProvider({ key, tls: { cert: pem('wrong-host'), key: leafKey } })
  t.teardown(other.close)
  port = other.port
  const at = async () => {
    const connection = connectionOf('acme_oidc', organizationOf('acme'), {
      settings: oidc.parse({ connector: 'oidc', domains: ['acme.com'], discovery_url: 'https://elsewhere.example', client_id: 'portico', client_secret: 'in the connection' })
    })
    const findings: ConnectionFinding[] = []
    await examine([connection], {
      configuration: configurationOf({ outbound: { ...direct, httpsProxy: url, ca: pem('root') } }), resolveTxt: async () => [], patience: { connect: 2_000, whole: 2_000 }
    }, found => { findings.push(...found) })
    return findings
  }
  const through = await at()
  t.match(through.find(({ check }) => check === 'reach'), { level: 'ok', got: /through the proxy 127\.0\.0\.1/ })
  t.match(certificateOf(through), { level: 'ok' })
  t.match(through.find(({ check }) => check === 'issuer'), { level: 'problem' }, 'the document was read through it')
  t.ok(tunnels.length >= 2 && tunnels.every(target => target === 'elsewhere.example:443'))
  refuse = true
  t.match((await at()).find(({ check }) => check === 'reach'), { level: 'problem', got: 'HTTP 403', remedy: /outbound\.no_proxy/ })
})

t.test('R15 the proxy is chosen as requests choose it', async t => {
  const chosen = (address: string, settings: Partial<Configuration['outbound']>) => proxyFor(new URL(address), { ...direct, ...settings })?.host
  const both = { httpProxy: 'http://plain.example:3128', httpsProxy: 'http://secure.example:3128' }
  t.equal(chosen('https://idp.example', both), 'secure.example:3128')
  t.equal(chosen('http://idp.example', both), 'plain.example:3128')
  t.equal(chosen('https://idp.example', { httpProxy: both.httpProxy }), 'plain.example:3128')
  t.equal(chosen('http://idp.example', { httpsProxy: both.httpsProxy }), undefined)
  for (const noProxy of ['*', 'idp.example', 'IDP.example', '.example', '*.example', 'a.example, idp.example', 'idp.example:443']) {
    t.equal(chosen('https://idp.example', { ...both, noProxy }), undefined, noProxy)
  }
  for (const noProxy of ['', 'dp.example', 'idp.example:444', 'x.idp.example']) t.equal(chosen('https://idp.example', { ...both, noProxy }), 'secure.example:3128', noProxy)
})
