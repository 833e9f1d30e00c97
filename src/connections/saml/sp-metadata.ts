import type { Connection } from '../../config/configuration.ts'
import { samlAddressesOf } from '../../config/links.ts'
import { samlSettings } from './settings.ts'
import type { SpKey } from './sp-keys.ts'

const redirect = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'
const post = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'
const xmlenc = 'http://www.w3.org/2001/04/xmlenc#'

// What providers may choose from, the best first. Of key transports the one that all of them have and that
// leaves nothing open: its digest is SHA-1, whose collisions do no harm there (RFC 8017, §7.1).
const gcm = ['256', '192', '128'].map(bits => `http://www.w3.org/2009/xmlenc11#aes${bits}-gcm`)
const cbc = ['256', '192', '128'].map(bits => `${xmlenc}aes${bits}-cbc`)
const keyTransport = `${xmlenc}rsa-oaep-mgf1p`

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escape = (text: string): string => text.replace(/[&<>"]/g, character => entities[character] ?? '')

/** An element without content, on a line of its own. */
const empty = (name: string, attributes: Readonly<Record<string, string>>): string =>
  `<md:${name}${Object.entries(attributes).map(([attribute, value]) => ` ${attribute}="${escape(value)}"`).join('')}/>`

const keyDescriptor = (use: 'signing' | 'encryption', { certificate }: SpKey, methods: readonly string[] = []): string[] => [
  `<md:KeyDescriptor use="${use}">`,
  '<ds:KeyInfo><ds:X509Data><ds:X509Certificate>',
  ...certificate.split('\n').filter(line => line !== '' && !line.startsWith('-')),
  '</ds:X509Certificate></ds:X509Data></ds:KeyInfo>',
  ...methods.map(method => empty('EncryptionMethod', { Algorithm: method })),
  '</md:KeyDescriptor>'
]

/** Our entityID for a connection's provider: `sp_entity_id`, or where our metadata is. */
export const spEntityIdOf = (connection: Pick<Connection, 'id' | 'settings'>, authOrigin: string): string =>
  samlSettings(connection).sp_entity_id ?? samlAddressesOf(authOrigin, connection.id).metadata

/**
 * Our metadata for a connection's provider (SAML Metadata §2.4.4): who we are, where answers may go, and every
 * key that signs now or next; what is encrypted for us is for the first one. It never gets too old
 * (`validUntil`): what changes it is an operator, who tells the provider.
 */
export const spMetadata = (connection: Pick<Connection, 'id' | 'settings'>, authOrigin: string, keys: readonly SpKey[]): string => {
  const settings = samlSettings(connection)
  const { acs, slo } = samlAddressesOf(authOrigin, connection.id)
  const [first] = keys
  if (first === undefined) throw new TypeError('no keys are configured')
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${escape(spEntityIdOf(connection, authOrigin))}">`,
    `<md:SPSSODescriptor AuthnRequestsSigned="${settings.sign_requests}" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`,
    ...keys.flatMap(key => keyDescriptor('signing', key)),
    ...keyDescriptor('encryption', first, [...gcm, ...settings.dangerously_allow_cbc ? cbc : [], keyTransport]),
    ...[redirect, post].map(binding => empty('SingleLogoutService', { Binding: binding, Location: slo })),
    ...settings.name_id_format === undefined ? [] : [`<md:NameIDFormat>${escape(settings.name_id_format)}</md:NameIDFormat>`],
    ...[acs, ...settings.acs_urls].map((location, index) =>
      empty('AssertionConsumerService', { Binding: post, Location: location, index: String(index), ...index === 0 && { isDefault: 'true' } })),
    '</md:SPSSODescriptor>',
    '</md:EntityDescriptor>'
  ]
  return `${lines.join('\n')}\n`
}
