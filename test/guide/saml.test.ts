import { join } from 'node:path'
import t from 'tap'
import { recognize, type SamlProductId } from '../../src/guide/saml/recognize.ts'
import { main } from '../../src/main.ts'
import { key } from '../config/support.ts'

interface Result { status: number, out: string, err: string }

const run = async (folder: string, ...args: readonly string[]): Promise<Result> => {
  const result: Result = { status: 0, out: '', err: '' }
  result.status = await main([...args, '--config', join(folder, 'portico.yaml')], { env: { KEY: key(1) }, cwd: folder, out: text => { result.out += text }, err: text => { result.err += text } })
  return result
}

const mainFile = `auth_url: https://auth.example.com
keys: [{ env: KEY }]
apps:
  analytics: { name: Analytics, url: https://analytics.example.com, upstream: http://127.0.0.1:1, groups: { acme: [staff] } }
  dashboard:
    regions:
      us: { url: https://dashboard.example.com, upstream: http://127.0.0.1:1 }
      eu: { url: https://dashboard-eu.example.com, upstream: http://127.0.0.1:1 }
`

/** As providers name their metadata, and what their administrators' pages must have. */
const products: Readonly<Record<Exclude<SamlProductId, 'google' | 'other'>, { metadata: string, menus: readonly string[], values: readonly string[] }>> = {
  entra: {
    metadata: 'https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/federationmetadata/2007-06/federationmetadata.xml?appid=1',
    menus: ['Enterprise apps', 'Identifier (Entity ID)', 'Reply URL (Assertion Consumer Service URL)', 'Sign on URL', 'Relay State', 'Logout Url', 'Unique User Identifier (Name ID)', 'Persistent', 'App Federation Metadata Url', 'Signing Option'],
    values: ['user.objectid', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups', 'login.microsoftonline.com']
  },
  okta: {
    metadata: 'https://acme.okta.com/app/exk1/sso/saml/metadata',
    menus: ['SAML 2.0', 'Single sign-on URL', 'Audience URI (SP Entity ID)', 'Default RelayState', 'Name ID format', 'Single Logout URL'],
    values: ['email', 'user.email', 'firstName', 'groups', 'acme.okta.com', '*.oktacdn.com']
  },
  onelogin: {
    metadata: 'https://app.onelogin.com/saml/metadata/4b7c',
    menus: ['SAML Custom Connector (Advanced)', 'Audience (EntityID)', 'ACS (Consumer) URL Validator', 'SAML nameID format', 'Issuer URL', 'Single Logout URL'],
    values: ['email', 'memberOf', '^https:\\/\\/auth\\.example\\.com\\/saml\\/saml_onelogin\\/acs$']
  },
  ping: {
    metadata: 'https://auth.pingone.eu/1f2e/saml20/metadata/9a8b',
    menus: ['SAML Application', 'ACS URLs', 'Entity ID', 'Subject NameID Format', 'SLO Endpoint'],
    values: ['saml_subject', 'email', 'groups']
  },
  adfs: {
    metadata: 'https://fs.acme.com/FederationMetadata/2007-06/FederationMetadata.xml',
    menus: ['Add Relying Party Trust…', 'Send LDAP Attributes as Claims', 'E-Mail Address', 'Name ID', 'SHA-256'],
    values: ['objectGUID', 'http://schemas.xmlsoap.org/claims/Group', 'Set-AdfsRelyingPartyTrust -TargetName "<name>" -EncryptClaims $false']
  },
  keycloak: {
    metadata: 'https://sso.acme.com/realms/main/protocol/saml/descriptor',
    menus: ['Import client', 'Name ID format', 'Force name ID format', 'Sign assertions', 'Client signature required'],
    values: ['email', 'groups']
  },
  shibboleth: {
    metadata: 'https://idp.acme.com/idp/shibboleth',
    menus: ['idp.logout.elaboration'],
    values: ['conf/attribute-filter.xml', 'urn:oasis:names:tc:SAML:attribute:subject-id', 'urn:oid:0.9.2342.19200300.100.1.3', 'metadataURL="https://auth.example.com/saml/saml_shibboleth/metadata"']
  },
  auth0: {
    metadata: 'https://acme.eu.auth0.com/samlp/metadata/abc',
    menus: ['SAML2 Web App', 'Application Callback URL', 'Identity Provider Metadata'],
    values: ['http://schemas.auth0.com/groups', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress']
  }
}

const connection = (id: string, ...lines: readonly string[]): string => [`  ${id}:`, '    connector: saml', '    domains: [acme.com]', ...lines.map(line => `    ${line}`), ''].join('\n')

const acme = [
  'name: Acme Corp',
  'connections:',
  ...Object.entries(products).map(([id, { metadata }]) => connection(`saml_${id}`, `metadata_url: ${metadata}`)),
  connection('saml_google', 'entity_id: https://accounts.google.com/o/saml2?idpid=C01', 'metadata_file: GoogleIDPMetadata.xml', 'idp_initiated: restart'),
  connection('saml_early', 'entity_id: http://www.okta.com/exk1'),
  connection('saml_bare'),
  connection('saml_own', 'metadata_url: https://sso.acme.example/saml', 'sp_entity_id: urn:acme:old', 'acs_urls: [https://old.example.com/saml/acs]', 'idp_initiated: accept', 'name_id_format: urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress', 'attributes: { subject: employeeNumber, email: [workMail, mail], groups: teams }')
].join('\n')

const files = { 'portico.yaml': mainFile, organizations: { 'acme.yaml': acme } }
const sideOf = (id: string) => ['acs', 'slo', 'metadata'].map(name => `https://auth.example.com/saml/${id}/${name}`)

t.test('R7 R29 the guide for each provider: its menus, our addresses, and the attributes that are known without configuration', async t => {
  const folder = t.testdir(files)
  for (const [product, { metadata, menus, values }] of Object.entries(products)) {
    const id = `saml_${product}`
    const { status, out, err } = await run(folder, 'guide', id)
    t.same([status, err], [0, ''], id)
    for (const menu of menus) t.ok(out.includes(`**${menu}**`), `${id}: ${menu}`)
    for (const value of [...values, ...sideOf(id), metadata, `https://auth.example.com/login/${id}`]) t.ok(out.includes(`\`${value}\``), `${id}: ${value}`)
    for (const word of ['`_portico.acme.com`, `portico-verification=', `portico links --test ${id}`, `portico doctor ${id}`, 'certificate expires']) t.ok(out.includes(word), `${id}: ${word}`)
    t.notMatch(out, /undefined|\[object|client secret/i, `${id}: nothing of OpenID Connect`)
  }
})

t.test('R7 R29 Google by file; a provider that is not known yet; names, formats and addresses of the connection’s own', async t => {
  const folder = t.testdir(files)
  const google = (await run(folder, 'guide', 'saml_google')).out
  for (const word of ['**Web and mobile apps** → **Add app** → **Add custom SAML app**', '**ACS URL**: `https://auth.example.com/saml/saml_google/acs`', '**Entity ID**', '**Start URL**', '`https://analytics.example.com/`', 'GoogleIDPMetadata.xml', '**PERSISTENT**']) t.ok(google.includes(word), word)
  t.notOk(google.includes('read the metadata daily'), 'which nobody can')

  const early = (await run(folder, 'guide', 'saml_early')).out
  t.match(early, /- Metadata URL — tab \*\*Sign On\*\* → .*\*\*Metadata URL\*\*/, 'where it stands, until it is known')

  const bare = (await run(folder, 'guide', 'saml_bare')).out
  for (const value of [...sideOf('saml_bare'), 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', 'email']) t.ok(bare.includes(`\`${value}\``), value)
  t.match(bare, /Transient ones are refused/)
  t.match(bare, /refused\. .*`https:\/\/auth\.example\.com\/login\/saml_bare`/, 'tiles are off')

  const own = (await run(folder, 'guide', 'saml_own')).out
  for (const value of ['urn:acme:old', 'https://old.example.com/saml/acs', 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress', 'employeeNumber', 'workMail', 'teams', 'https://dashboard-eu.example.com/']) t.ok(own.includes(`\`${value}\``), value)
  t.notOk(own.includes('Transient ones'), 'the NameID may be anything')

  const html = await run(folder, 'guide', 'saml_own', '--html')
  t.match(html, { status: 0, out: /^<!doctype html>/ })
  t.ok(html.out.includes('<code>urn:acme:old</code>'))
})

t.test('R29 --json of a SAML connection: addresses, attributes, and the hosts to exempt', async t => {
  const folder = t.testdir(files)
  const facts: unknown = JSON.parse((await run(folder, 'guide', 'saml_own', '--json')).out)
  t.match(facts, {
    connection: 'saml_own',
    connector: 'saml',
    entity_id: 'urn:acme:old',
    acs_urls: ['https://auth.example.com/saml/saml_own/acs', 'https://old.example.com/saml/acs'],
    slo_url: 'https://auth.example.com/saml/saml_own/slo',
    metadata_url: 'https://auth.example.com/saml/saml_own/metadata',
    initiate_login_uri: 'https://auth.example.com/login/saml_own',
    relay_states: ['https://analytics.example.com/', 'https://dashboard.example.com/', 'https://dashboard-eu.example.com/'],
    name_id_format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    attributes: ['workMail', 'firstName', 'lastName', 'teams'],
    send_back: [{ known: ['https://sso.acme.example/saml'] }, {}],
    exempt_from_tls_inspection: { provider: ['sso.acme.example'] }
  })
  t.notMatch(JSON.stringify(facts), /redirect_uri|scopes/)
})

t.test('R29 which product it is, by the addresses that are known', async t => {
  for (const [id, settings] of [
    ['google', { sso_url: 'https://accounts.google.com/o/saml2/idp?idpid=C01' }],
    ['okta', { entity_id: 'http://www.okta.com/exk1' }],
    ['okta', { metadata_url: 'https://login.acme.com/app/exk1abc/sso/saml/metadata' }],
    ['entra', { entity_id: 'https://sts.windows.net/11111111-2222-4333-8444-555555555555/' }],
    ['adfs', { entity_id: 'http://fs.acme.com/adfs/services/trust' }],
    ['auth0', { entity_id: 'urn:acme.eu.auth0.com' }],
    ['shibboleth', { sso_url: 'https://idp.acme.com/idp/profile/SAML2/Redirect/SSO' }],
    ['ping', { metadata_url: 'https://auth.pingone.com.au/x/saml20/metadata/y' }],
    ['other', { metadata_url: 'https://evil.example/login.microsoftonline.com' }],
    ['other', { metadata_url: 'https://okta.com.evil.example/saml' }],
    ['other', {}]
  ] satisfies [SamlProductId, Parameters<typeof recognize>[0]][]) t.equal(recognize(settings), id, JSON.stringify(settings))
})

t.test('R23 R31 portico links of a SAML connection: app links, our addresses, and what RelayState may be', async t => {
  const links = (id: string, mode: string): string => connection(id, 'status: active', 'metadata_url: https://sso.acme.example/saml', ...mode === '' ? [] : [`idp_initiated: ${mode}`]).replace('acme.com', `${id.replaceAll('_', '-')}.example`)
  const folder = t.testdir({ 'portico.yaml': mainFile, organizations: { 'acme.yaml': `name: Acme\nconnections:\n${links('saml_off', '')}${links('saml_tiles', 'restart')}` } })
  const json: unknown = JSON.parse((await run(folder, 'links', '--json')).out)
  t.match(json, [
    {
      connection: 'saml_off',
      redirect_uri: null,
      initiate_login_uri: 'https://auth.example.com/login/saml_off',
      saml: { entity_id: 'https://auth.example.com/saml/saml_off/metadata', acs_url: 'https://auth.example.com/saml/saml_off/acs', slo_url: 'https://auth.example.com/saml/saml_off/slo', idp_initiated: 'off', relay_states: [] },
      apps: [{ app: 'analytics', url: 'https://auth.example.com/login/saml_off?app=analytics' }, { region: 'us' }, { region: 'eu' }]
    },
    { connection: 'saml_tiles', saml: { idp_initiated: 'restart', relay_states: ['https://analytics.example.com/', 'https://dashboard.example.com/', 'https://dashboard-eu.example.com/'] } }
  ])
  const { out } = await run(folder, 'links')
  t.match(out, /ACS URL: https:\/\/auth\.example\.com\/saml\/saml_off\/acs\n/)
  t.match(out, /tiles that the provider begins: off/)
  t.match(out, /RelayState of a tile \(idp_initiated: restart\): https:\/\/analytics\.example\.com\/ or /)
  t.notMatch(out, 'redirect URI')
  t.match(await run(folder, 'links', '--test', 'saml_off'), { status: 0, out: /^https:\/\/auth\.example\.com\/test\/saml_off\?token=/ })
})
