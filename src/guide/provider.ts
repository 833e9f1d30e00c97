import type { Facts } from './facts.ts'
import { entra } from './providers/entra.ts'
import { google } from './providers/google.ts'
import { manual } from './providers/manual.ts'
import { oidc } from './providers/oidc.ts'
import { okta } from './providers/okta.ts'
import { saml } from './providers/saml.ts'
import type { Entry, Section, Text } from './text.ts'

/** What is particular to one kind of identity provider. */
export interface ProviderGuide {
  /** As its vendor calls it. */
  readonly name: string
  /** What the reader must be allowed to do there. */
  readonly needs: Text
  /** What to do there, in order. */
  readonly sections: readonly Section[]
  /** What to send back; an entry with values is known already and wants a check only. */
  readonly sendBack: readonly Entry[]
  /** How long its credentials last, and what to do about it. */
  readonly expiry: Text
  /** Of OpenID Connect. */
  readonly scopes: readonly string[]
  /** Claims or attributes that must arrive, as the provider names them. */
  readonly claims: readonly string[]
  /** Hosts of the provider that browsers meet; a star stands for any name below. */
  readonly hosts: readonly string[]
}

/** The guide for the provider of a connection; undefined for what this version does not speak. */
export const providerGuide = (facts: Facts): ProviderGuide | undefined => {
  const { connection } = facts
  switch (connection.connector) {
    case 'entra': return entra(facts, connection)
    case 'google': return google(facts, connection)
    case 'okta': return okta(facts, connection)
    case 'oidc': return oidc(facts, connection)
    case 'manual': return manual(facts, connection)
    case 'saml': return saml(facts, connection)
    default: return undefined
  }
}
