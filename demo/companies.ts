export interface Account {
  readonly email: string
  readonly name: string
  readonly groups: readonly string[]
  /** Said beside the account on the provider's sign-in page. */
  readonly remark?: string
}

export interface Company {
  /** The last part of its issuer: http://idp.localhost:9400/acme */
  readonly id: string
  readonly name: string
  readonly colour: string
  /** Its connection in config/organizations: part of the redirect URI. */
  readonly connection: string
  /** Host of its own sign-in page, below `.localhost`. */
  readonly loginHost?: string
  /** Its Workspace domain, where its provider is dressed as Google's: the claim `hd`. */
  readonly workspace?: string
  /** The environment variable by which its organization file names the client secret. */
  readonly secretVariable: string
  readonly accounts: readonly Account[]
}

/** The demo's three customers, as their own identity providers know them. */
export const companies: readonly Company[] = [
  {
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
    id: 'globex',
    name: 'Globex',
    colour: '#00629b',
    connection: 'globex_oidc',
    secretVariable: 'DEMO_GLOBEX_SECRET',
    accounts: [
      { email: 'hari@globex.example', name: 'Hari Čapek', groups: ['sales'] }
    ]
  },
  {
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
  }
]
