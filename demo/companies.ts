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
  /** The environment variable by which its organization file names the client secret. */
  readonly secretVariable: string
  readonly accounts: readonly Account[]
}

/** The demo's two customers, as their own identity providers know them. */
export const companies: readonly Company[] = [
  {
    id: 'acme',
    name: 'Acme Corp',
    colour: '#b3261e',
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
    secretVariable: 'DEMO_GLOBEX_SECRET',
    accounts: [
      { email: 'hari@globex.example', name: 'Hari Čapek', groups: ['sales'] }
    ]
  }
]
