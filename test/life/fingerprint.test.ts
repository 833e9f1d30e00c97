import t from 'tap'
import { fingerprint } from '../../src/config/fingerprint.ts'
import { connection } from '../../src/config/schema/organization.ts'
import { entra } from '../../src/config/schema/connectors/entra.ts'
import { google } from '../../src/config/schema/connectors/google.ts'
import { manual } from '../../src/config/schema/connectors/manual.ts'
import { oidc } from '../../src/config/schema/connectors/oidc.ts'
import { okta } from '../../src/config/schema/connectors/okta.ts'
import { saml } from '../../src/config/schema/connectors/saml.ts'

const schemas = { google, entra, okta, oidc, manual, saml }

/**
 * What a change of each setting does to those who are signed in, with a value to change it to and one
 * that means the same as before. Whoever adds a setting decides here.
 */
interface Decision {
  readonly does: 'end' | 'keep' | 'by its standing' | 'is another connection'
  readonly to: unknown
  readonly same?: unknown
}

const ends = (to: unknown, same?: unknown): Decision => ({ does: 'end', to, same })
const keeps = (to: unknown): Decision => ({ does: 'keep', to })
const standing = (to: unknown): Decision => ({ does: 'by its standing', to })

const common: Readonly<Record<string, Decision>> = {
  connector: { does: 'is another connection', to: undefined },
  status: standing('disabled'),
  activate_at: standing('2027-12-01'),
  replaces: standing('other'),
  name: keeps('Sign in with Acme'),
  domains: ends(['acme.com'], ['acme.org', 'acme.com']),
  accepts: ends(['acme.net'], []),
  client_secret_expires: keeps('2027-12-01'),
  callback: keeps('shared'),
  matching: ends('plus_alias', 'exact'),
  require_acr: ends(['gold'], undefined),
  require_amr: ends(['mfa'], undefined),
  groups: ends({ rename: { a: 'b' } }, {}),
  bearer: keeps({ audience: 'api' }),
  refresh: keeps(true),
  provider_sign_out: keeps(false),
  max_age: ends(0, undefined),
  dangerously_trust_unverified_email: ends(true, false),
  client_id: ends('another'),
  client_secret: keeps({ env: 'OTHER' }),
  dangerously_allow_http: ends(true, false)
}

const { client_id: _id, client_secret: _secret, client_secret_expires: _expires, callback: _callback, bearer: _bearer, refresh: _refresh, provider_sign_out: _signOut, dangerously_trust_unverified_email: _unverified, ...everywhere } = common

const claims = ends({ email: 'upn' }, { email: 'email' })

const decisions: Readonly<Record<keyof typeof schemas, Readonly<Record<string, Decision>>>> = {
  google: {
    ...common,
    matching: ends('exact', 'plus_alias'),
    workspace_domain: ends('acme.org'),
    discovery_url: ends('https://google.acme.com')
  },
  entra: {
    ...common,
    client_certificate: keeps({ certificate: 'c.pem', key: { file: 'key.pem' } }),
    tenant_id: ends('22222222-2222-4222-8222-222222222222'),
    tenancy: ends('multiple', 'single'),
    tenants: ends({ a: ['acme.com'] }, {}),
    allow_guests: ends(true, false),
    claims: ends({ email: 'upn' }, { name: 'name' }),
    discovery_url: ends('https://login.microsoftonline.us/acme')
  },
  okta: {
    ...common,
    okta_domain: ends('sso.acme.com'),
    authorization_server: ends('default', undefined),
    discovery_url: ends('https://acme.okta.com/oauth2/other')
  },
  oidc: {
    ...common,
    discovery_url: ends('https://idp.acme.com/other', 'https://idp.acme.com/.well-known/openid-configuration'),
    token_endpoint_auth_method: keeps('client_secret_post'),
    scopes: keeps(['openid']),
    claims
  },
  manual: {
    ...common,
    authorization_url: ends('https://idp.acme.com/other'),
    token_url: ends('https://idp.acme.com/other'),
    userinfo_url: ends('https://idp.acme.com/other'),
    end_session_url: keeps('https://idp.acme.com/logout'),
    jwks_url: ends('https://idp.acme.com/other'),
    issuer: ends('https://other.acme.com', undefined),
    scopes: keeps(['openid']),
    token_endpoint_auth_method: keeps('client_secret_post'),
    claims: ends({ subject: 'id' }, { subject: 'sub' }),
    dangerously_trust_token_endpoint: ends(true, false)
  },
  saml: {
    ...everywhere,
    metadata_url: ends('https://idp.acme.com/other'),
    metadata_file: ends('metadata.xml'),
    metadata_certificates: ends(['ca.pem']),
    entity_id: ends('https://idp.acme.com'),
    sso_url: ends('https://idp.acme.com/sso'),
    slo_url: keeps('https://idp.acme.com/slo'),
    certificates: keeps(['signing.pem']),
    attributes: ends({ email: 'mail' }, {}),
    idp_initiated: ends('restart'),
    want_signed: ends('both'),
    sign_requests: keeps(false),
    name_id_format: ends('urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'),
    request_authn_context: keeps(true),
    sp_entity_id: ends('https://old.acme.com'),
    acs_urls: ends(['https://old.acme.com/acs'], []),
    dangerously_allow_sha1: ends(true, false),
    dangerously_allow_cbc: ends(true, false)
  }
}

const bases: Readonly<Record<keyof typeof schemas, Readonly<Record<string, unknown>>>> = {
  google: { workspace_domain: 'acme.com' },
  entra: { tenant_id: '11111111-1111-4111-8111-111111111111' },
  okta: { okta_domain: 'acme.okta.com' },
  oidc: { discovery_url: 'https://idp.acme.com' },
  manual: { authorization_url: 'https://idp.acme.com/authorize', token_url: 'https://idp.acme.com/token' },
  saml: { metadata_url: 'https://idp.acme.com/metadata' }
}

const of = (connector: keyof typeof schemas, changed: Readonly<Record<string, unknown>>, organization = 'acme'): string => {
  const settings = connection.parse({
    connector, domains: ['acme.com', 'acme.org'], ...connector === 'saml' ? {} : { client_id: 'portico', client_secret: 'old' }, ...bases[connector], ...changed
  })
  return fingerprint(organization, settings, settings.domains, settings.accepts)
}

t.test('R17 N13 M2 every setting of every connector: which ones end sessions', async t => {
  for (const connector of ['google', 'entra', 'okta', 'oidc', 'manual', 'saml'] as const) {
    const table = decisions[connector]
    t.strictSame(Object.keys(schemas[connector].shape).sort(), Object.keys(table).sort(), `${connector}: each key is decided`)
    const base = of(connector, {})
    for (const [key, { does, to, same }] of Object.entries(table)) {
      if (does === 'is another connection') continue
      t.equal(of(connector, { [key]: to }) === base, does !== 'end', `${connector}.${key}: ${does}`)
      if (does === 'end' && same !== undefined) t.equal(of(connector, { [key]: same }), base, `${connector}.${key}: written otherwise`)
    }
  }
  const all = (['google', 'entra', 'okta', 'oidc', 'manual', 'saml'] as const).map(connector => of(connector, {}))
  t.equal(new Set([...all, of('oidc', {}, 'globex')]).size, 7, 'each connector, and each organization, is another trust')
  t.not(of('oidc', { domains: ['acme.com'], accepts: ['acme.org'] }), of('oidc', {}), 'what is routed and what is accepted are not the same')
  t.equal(of('oidc', { require_amr: ['mfa', 'hwk'] }), of('oidc', { require_amr: ['hwk', 'mfa'] }), 'in any order')
})
