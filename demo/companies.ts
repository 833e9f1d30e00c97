export interface Account {
  readonly email: string
  readonly name: string
  readonly groups: readonly string[]
  /** Said beside the account on the provider's sign-in page. */
  readonly remark?: string
}

interface AnyCompany {
  /** The first part of every path of its provider: http://idp.localhost:9400/acme */
  readonly id: string
  readonly name: string
  readonly colour: string
  /** Its connection in config/organizations: part of the address to which its provider returns. */
  readonly connection: string
  /** Host of its own sign-in page, below `.localhost`. */
  readonly loginHost?: string
  readonly accounts: readonly Account[]
}

/** A company whose provider speaks OpenID Connect. */
export interface OidcCompany extends AnyCompany {
  readonly protocol: 'oidc'
  /** Its Workspace domain, where its provider is dressed as Google's: the claim `hd`. */
  readonly workspace?: string
  /** Its provider signs people out, too: by a page of its own, and everywhere at once by the back channel. */
  readonly signsOut?: true
  /** The environment variable by which its organization file names the client secret. */
  readonly secretVariable: string
}

/** A company whose provider speaks SAML 2.0: there is no secret, both sides know each other by metadata. */
export interface SamlCompany extends AnyCompany {
  readonly protocol: 'saml'
}

export type Company = OidcCompany | SamlCompany

/** The demo's four customers, as their own identity providers know them. */
export const companies: readonly Company[] = [
  {
    protocol: 'oidc',
    id: 'acme',
    name: 'Acme Corp',
    colour: '#b3261e',
    connection: 'acme_oidc',
    secretVariable: 'DEMO_ACME_SECRET',
    accounts: [
      { email: 'ada@acme.example', name: 'Ada Lovelace', groups: ['engineering', 'admins'] },
      { email: 'grace@acme.example', name: 'Grace Hopper', groups: ['engineering', 'research, naval'] },
      { email: 'ivy@elsewhere.example', name: 'Ivy Visitor', groups: [], remark: 'Portico refuses her: elsewhere.example is not Acme’s domain' }
    ]
  },
  {
    protocol: 'oidc',
    id: 'globex',
    name: 'Globex',
    colour: '#00629b',
    connection: 'globex_oidc',
    signsOut: true,
    secretVariable: 'DEMO_GLOBEX_SECRET',
    accounts: [
      { email: 'hari@globex.example', name: 'Hari Čapek', groups: ['sales'] }
    ]
  },
  {
    protocol: 'oidc',
    id: 'initech',
    name: 'Initech',
    colour: '#5b6b1f',
    connection: 'initech_google',
    loginHost: 'initech',
    workspace: 'initech.example',
    secretVariable: 'DEMO_INITECH_SECRET',
    accounts: [
      { email: 'ami@initech.example', name: 'Ami Slater', groups: [] },
      { email: 'bill@initech.example', name: 'Bill Lumbergh', groups: [] },
      { email: 'milton@initech.example', name: 'Milton Waddams', groups: [], remark: 'Portico refuses him: Initech has not invited him' }
    ]
  },
  {
    protocol: 'saml',
    id: 'hooli',
    name: 'Hooli',
    colour: '#7a1f5c',
    connection: 'saml_hooli',
    accounts: [
      { email: 'noor@hooli.example', name: 'Noor Haddad', groups: ['design', 'R&D'] },
      { email: 'tomas@hooli.example', name: 'Tomáš Novák', groups: ['design'] }
    ]
  }
]
