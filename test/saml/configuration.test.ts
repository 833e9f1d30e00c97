import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLoader, type Loaded } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { createForge, createForgeKey } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { signXml } from '../support/saml/signing.ts'

const day = 86_400
const now = Math.floor(Date.now() / 1_000)
const date = (seconds: number): Date => new Date((now + seconds) * 1_000)
const key = createForgeKey()
const forge = createForge({ privateKey: key })
const good = createCertificate(key, { name: 'good' })
const authority = createForge()
const sso = 'https://idp.acme.example/sso'

const files = {
  'good.pem': good,
  'weak.pem': createCertificate(createForgeKey('rsa', 1_024), { name: 'weak' }),
  'soon.pem': createCertificate(key, { name: 'soon', until: date(6.5 * day) }),
  'past.pem': createCertificate(key, { name: 'past', until: date(-day) }),
  'several.pem': `Bag Attributes\n${good}${createCertificate(key, { name: 'another' })}`,
  'none.pem': '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
  'authority.pem': authority.certificate,
  'idp.xml': `<?xml version="1.0"?>\n<!-- of today -->\n${forge.metadata({ certificates: [good], ssoRedirect: sso })}`,
  'signed.xml': signXml(forge.metadata({ certificates: [good], ssoRedirect: sso }).replace('<md:EntityDescriptor', '<md:EntityDescriptor ID="_1"'), { key: authority.privateKey, after: '/*/*[1]' }),
  'plain.xml': forge.metadata({ certificates: [good], ssoRedirect: 'http://idp.acme.example/sso' }),
  'over.xml': forge.metadata({ certificates: [good], ssoRedirect: sso, validUntil: date(-day).toISOString() }),
  'ending.xml': forge.metadata({ certificates: [createCertificate(key, { name: 'old', until: date(-day) }), createCertificate(key, { name: 'new', until: date(20.5 * day) })], ssoRedirect: sso, validUntil: date(5.5 * day).toISOString() }),
  'empty.xml': forge.metadata({ certificates: [], ssoRedirect: sso }),
  'hostile.xml': `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${forge.metadata({ ssoRedirect: sso })}`,
  'page.xml': '<!doctype html><title>Sign in</title>'
}

const organization = (lines: readonly string[]): string => ['name: Acme', 'connections:', '  acme_saml:', '    connector: saml', '    domains: [acme.com]', ...lines.map(line => `    ${line}`)].join('\n')

/** A loader of a configuration whose only connection has these settings; `write` changes a file of it. */
const loaderOf = (t: Test, lines: readonly string[], clock: { now: number } = { now }) => {
  const folder = t.testdir({
    'portico.yaml': [
      'auth_url: http://auth.localhost:8080', 'keys: [{ env: KEY }]', 'apps:', '  app: { url: "http://app.localhost:8080", upstream: "http://127.0.0.1:9101" }'
    ].join('\n'),
    organizations: { 'acme.yaml': organization(lines), ...files }
  })
  return {
    load: createLoader({ file: join(folder, 'portico.yaml'), env: { KEY: randomBytes(32).toString('base64') }, now: () => clock.now }),
    write: (name: string, content: string) => writeFile(join(folder, 'organizations', name), content)
  }
}

const told = ({ problems, warnings }: Loaded): string[] => [...problems.map(each => ['problem', each] as const), ...warnings.map(each => ['warning', each] as const)]
  .map(([severity, { line, path }]) => `${severity} ${line} ${path.replace('connections.acme_saml', '').replace(/^\./, '')}`)

const byHand = (...certificates: readonly string[]): string[] => ['entity_id: https://idp.acme.example/saml', `sso_url: ${sso}`, `certificates: [${certificates.join(', ')}]`]

t.test('R7 S7 what a SAML connection verifies with is read at load: certificates', async t => {
  for (const [what, lines, expected] of [
    ['one', byHand('good.pem'), []],
    ['several, in one file and in several', byHand('several.pem', './good.pem'), []],
    ['written there', ['entity_id: x', `sso_url: ${sso}`, 'certificates:', `  - ${JSON.stringify(good)}`], []],
    ['none', byHand(), ['problem 3 ', 'problem 8 certificates']],
    ['no certificate', byHand('none.pem'), ['problem 8 certificates[0]']],
    ['one of two is missing', byHand('good.pem', 'gone.pem'), ['problem 8 certificates[1]']],
    ['weak', byHand('good.pem', 'weak.pem'), ['problem 8 certificates[1]']],
    ['nearly over, and over, which must not hold up a reload', byHand('good.pem', 'soon.pem', 'past.pem'), ['warning 8 certificates[1]', 'warning 8 certificates[2]']],
    ['nothing at all', [], ['problem 3 ']]
  ] as const) {
    const loaded = await loaderOf(t, lines).load()
    t.same(told(loaded), expected, what)
    t.equal(loaded.configuration === undefined, expected.some(line => line.startsWith('problem')))
    for (const problem of [...loaded.problems, ...loaded.warnings]) t.match(formatProblem(problem, '/'), /^\S+:\d+:\d+ .+ — .+$/)
  }
  const { configuration } = await loaderOf(t, byHand('several.pem', 'soon.pem')).load()
  t.equal(configuration?.connections.get('acme_saml')?.saml?.certificates.length, 3)
})

t.test('R7 S7 S26 metadata of a file is read at load as a sign-in reads it', async t => {
  const xml = (name: string, ...lines: string[]): string[] => [`metadata_file: ${name}`, ...lines]
  for (const [what, lines, expected] of [
    ['good', xml('idp.xml'), []],
    ['that entity', xml('idp.xml', `entity_id: ${forge.entityId}`), []],
    ['another one', xml('idp.xml', 'entity_id: https://another.example'), ['problem 6 metadata_file']],
    ['signed', xml('signed.xml', 'metadata_certificates: [good.pem, authority.pem]'), []],
    ['not signed', xml('idp.xml', 'metadata_certificates: [authority.pem]'), ['problem 6 metadata_file']],
    ['by somebody else', xml('signed.xml', 'metadata_certificates: [good.pem]'), ['problem 6 metadata_file']],
    ['by whom cannot be read', xml('signed.xml', 'metadata_certificates: [none.pem]'), ['problem 7 metadata_certificates[0]']],
    ['no certificate', xml('empty.xml'), ['problem 6 metadata_file']],
    ['S6 S11 a DOCTYPE', xml('hostile.xml'), ['problem 6 metadata_file']],
    ['a page', xml('page.xml'), ['problem 6 metadata_file']],
    ['no file', xml('gone.xml'), ['problem 6 metadata_file']],
    ['plain http', xml('plain.xml'), ['problem 6 metadata_file']],
    ['plain http, as the operator wants it', xml('plain.xml', 'dangerously_allow_http: true'), ['warning 7 dangerously_allow_http']],
    ['over, which must not hold up a reload', xml('over.xml'), ['warning 6 metadata_file']],
    ['a certificate in three weeks, and all of it in five days', xml('ending.xml'), ['warning 6 metadata_file', 'warning 6 metadata_file']]
  ] as const) t.same(told(await loaderOf(t, lines).load()), expected, what)
  const { problems: [problem] } = await loaderOf(t, xml('idp.xml', 'entity_id: https://another.example')).load()
  t.match(problem?.message, /wanted .*another\.example, got .*idp\.acme\.example/)
})

t.test('what gives up a protection is a warning', async t => {
  const source = byHand('good.pem')
  t.same(told(await loaderOf(t, [...source, 'idp_initiated: accept']).load()), ['warning 9 idp_initiated'])
  t.same(told(await loaderOf(t, [...source, 'dangerously_allow_sha1: true', 'dangerously_allow_cbc: true']).load()), ['warning 9 dangerously_allow_sha1', 'warning 10 dangerously_allow_cbc'])
  t.same(told(await loaderOf(t, [...source, 'idp_initiated: restart', 'request_authn_context: true', 'require_acr: [urn:x]']).load()), [])
})

t.test('a reload reads what has changed, and dates again', async t => {
  const clock = { now }
  const { load, write } = loaderOf(t, ['metadata_file: idp.xml'], clock)
  t.same(told(await load()), [])
  await write('idp.xml', files['empty.xml'])
  t.same(told(await load()), ['problem 6 metadata_file'])
  await write('idp.xml', files['ending.xml'])
  const loaded = await load()
  t.same(told(loaded), ['warning 6 metadata_file', 'warning 6 metadata_file'])
  t.match(loaded.configuration?.connections.get('acme_saml')?.saml?.metadata, 'validUntil')
  clock.now += 6 * day
  t.match((await load()).warnings.map(({ message }) => message).sort(), [/expires in 14 days/, /the metadata expired on/])
})

t.test('two connections of different organizations may have the same provider', async t => {
  const { load, write } = loaderOf(t, ['metadata_file: idp.xml'])
  await write('globex.yaml', organization(['metadata_file: idp.xml']).replace('Acme', 'Globex').replace('acme_saml', 'globex_saml').replace('acme.com', 'globex.com'))
  t.same(told(await load()), [])
})
