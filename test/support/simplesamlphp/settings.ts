/** A service provider as the identity provider knows it: what the metadata of a connection of Portico says. */
export interface ServiceProvider {
  readonly entityId: string
  readonly acs: string
  readonly slo?: string
  /** How the IdP sends its logout messages; the Redirect binding when left out. */
  readonly sloBinding?: 'redirect' | 'post'
  /** As shipped, both are signed. */
  readonly signResponse?: boolean
  readonly signAssertion?: boolean
  /** PEM; with it, assertions are encrypted. */
  readonly encryptionCertificate?: string
  /** PEM; with it, AuthnRequests and logout messages must be signed. Without it, signatures are not even looked at. */
  readonly signingCertificate?: string
  /** `uid`, `mail` … with NameFormat basic (when left out), or urn:oid:… with NameFormat uri. */
  readonly attributeNames?: 'basic' | 'oid'
}

export interface User {
  readonly name: string
  readonly password: string
  /** `uid` is the name when left out; it is the persistent NameID too. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

/** Where the identity provider is and what it keeps. */
export interface Place {
  readonly port: number
  /** Holds `cert`, `data`, `log`, `metadata`, `sessions` and `tmp`. */
  readonly folder: string
  /** Origin and a slash. */
  readonly base: string
  readonly entityId: string
}

const redirect = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'
const post = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'
const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const emailAddress = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'
const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'

/** What eduGAIN calls them; groups are isMemberOf. */
const oids = {
  uid: 'urn:oid:0.9.2342.19200300.100.1.1',
  mail: 'urn:oid:0.9.2342.19200300.100.1.3',
  givenName: 'urn:oid:2.5.4.42',
  sn: 'urn:oid:2.5.4.4',
  displayName: 'urn:oid:2.16.840.1.113730.3.1.241',
  groups: 'urn:oid:1.3.6.1.4.1.5923.1.5.1.1'
}

/** `$config` of config.php: as shipped but for places, plain http, and what the tests could not see otherwise. */
export const configOf = ({ port, folder, base }: Place): object => ({
  baseurlpath: base,
  certdir: `${folder}/cert/`,
  datadir: `${folder}/data/`,
  loggingdir: `${folder}/log/`,
  metadatadir: `${folder}/metadata/`,
  tempdir: `${folder}/tmp/`,
  'session.phpsession.savepath': `${folder}/sessions`,
  timezone: 'UTC',
  secretsalt: 'the same in all tests',
  'auth.adminpassword': 'nobody administers this',
  'admin.checkforupdates': false,
  // logout may lead back to any origin of a test
  'trusted.url.domains': null,
  'logging.handler': 'errorlog',
  'enable.saml20-idp': true,
  'module.enable': { exampleauth: true, core: true, saml: true },
  // browsers do not keep cookies of several ports apart
  'session.phpsession.cookiename': `SimpleSAML${port}`,
  'session.authtoken.cookiename': `SimpleSAMLAuthToken${port}`,
  // it refuses to set Secure cookies on plain http; without SameSite, Chromium sends them with a cross-site POST for two minutes
  'session.cookie.secure': false,
  'session.cookie.samesite': null,
  'language.cookie.secure': false,
  'language.cookie.samesite': null,
  'authproc.idp': {
    10: { class: 'saml:AttributeNameID', attribute: 'uid', Format: persistent },
    11: { class: 'saml:AttributeNameID', attribute: 'mail', Format: emailAddress },
    12: { class: 'saml:TransientNameID' }
  }
})

/** `$config` of authsources.php: one form for name and password. */
export const authSourcesOf = (users: readonly User[]): object => ({
  people: {
    0: 'exampleauth:UserPass',
    ...Object.fromEntries(users.map(({ name, password, attributes }) => [`${name}:${password}`, { uid: [name], ...attributes }]))
  }
})

/** `$metadata` of saml20-idp-hosted.php. `signing` and `next` are names in `cert`, without `.key` and `.crt`; `next` is published only. */
export const hostedOf = ({ entityId }: Place, signing: string, next?: string): object => ({
  [entityId]: {
    host: '__DEFAULT__',
    auth: 'people',
    privatekey: `${signing}.key`,
    certificate: `${signing}.crt`,
    ...next !== undefined && { new_privatekey: `${next}.key`, new_certificate: `${next}.crt` },
    // as shipped, messages of logout are not signed
    'sign.logout': true,
    SingleSignOnServiceBinding: [redirect, post],
    SingleLogoutServiceBinding: [redirect, post],
    NameIDFormat: [persistent, emailAddress, transient]
  }
})

const keyOf = (pem: string, use: { readonly signing: boolean, readonly encryption: boolean }): object =>
  ({ type: 'X509Certificate', X509Certificate: pem.replaceAll(/-----[^-]+-----|\s/g, ''), ...use })

const remoteOf = (provider: ServiceProvider): object => ({
  AssertionConsumerService: [{ index: 0, Binding: post, Location: provider.acs }],
  ...provider.slo !== undefined && { SingleLogoutService: [{ Binding: provider.sloBinding === 'post' ? post : redirect, Location: provider.slo }] },
  'saml20.sign.response': provider.signResponse ?? true,
  'saml20.sign.assertion': provider.signAssertion ?? true,
  'assertion.encryption': provider.encryptionCertificate !== undefined,
  'validate.authnrequest': provider.signingCertificate !== undefined,
  'validate.logout': provider.signingCertificate !== undefined,
  keys: [
    ...provider.signingCertificate === undefined ? [] : [keyOf(provider.signingCertificate, { signing: true, encryption: false })],
    ...provider.encryptionCertificate === undefined ? [] : [keyOf(provider.encryptionCertificate, { signing: false, encryption: true })]
  ],
  ...provider.attributeNames === 'oid' && {
    'attributes.NameFormat': 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    authproc: { 50: { class: 'core:AttributeMap', ...oids } }
  }
})

/** `$metadata` of saml20-sp-remote.php. */
export const remotesOf = (providers: readonly ServiceProvider[]): object =>
  Object.fromEntries(providers.map(provider => [provider.entityId, remoteOf(provider)]))
