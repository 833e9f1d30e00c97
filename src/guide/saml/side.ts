import { samlAddressesOf } from '../../config/links.ts'
import type { Facts } from '../facts.ts'
import type { ConnectionDraft } from '../read.ts'

export type SamlDraft = Extract<ConnectionDraft, { connector?: 'saml' | undefined }>

export const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'

/** Our side of a SAML connection, as the customer's administrator enters it. */
export interface SamlSide {
  readonly facts: Facts
  readonly connection: SamlDraft
  readonly entityId: string
  readonly acs: string
  readonly slo: string
  readonly metadata: string
  /** Where the provider publishes its metadata, once that is known. */
  readonly host: string | undefined
  /** Further addresses that a response may be for, where something else forwards it. */
  readonly otherAcs: readonly string[]
  /** Asked for in each request; undefined where nothing is. */
  readonly nameIdFormat: string | undefined
  /** The attribute by which people are recognised, where that is not the NameID. */
  readonly subject: string | undefined
  /** What a tile of the provider may send as RelayState; empty where such tiles are off. */
  readonly relayStates: readonly string[]
}

/** The first of the names that the connection configures, or what this provider calls it. */
export const nameFor = ({ connection: { attributes } }: SamlSide, part: 'email' | 'name' | 'first_name' | 'last_name' | 'groups', usual: string): string => {
  const named = attributes?.[part]
  return (typeof named === 'string' ? named : named?.find(each => each !== undefined)) ?? usual
}

/** Gathers what the files say of our side. */
export const sideOf = (facts: Facts, connection: SamlDraft): SamlSide => {
  const { acs, slo, metadata } = samlAddressesOf(facts.origin, facts.connectionId)
  const { subject } = connection.attributes ?? {}
  return {
    facts,
    connection,
    entityId: connection.sp_entity_id ?? metadata,
    acs,
    slo,
    metadata,
    host: connection.metadata_url === undefined ? undefined : new URL(connection.metadata_url).host,
    otherAcs: (connection.acs_urls ?? []).filter(url => url !== undefined),
    nameIdFormat: connection.name_id_format,
    subject: typeof subject === 'string' ? subject : subject?.find(each => each !== undefined),
    relayStates: ['restart', 'accept'].includes(connection.idp_initiated ?? 'off') ? facts.apps.flatMap(({ urls }) => urls.map(url => `${url}/`)) : []
  }
}
