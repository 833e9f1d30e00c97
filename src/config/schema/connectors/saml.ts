import { z } from 'zod'
import { httpUrl } from '../addresses.ts'
import { path, words } from '../values.ts'
import { common } from './common.ts'

const attribute = (what: string, usual: string) => z.union([words, z.array(words).min(1)])
  .meta({ wanted: 'the name of an attribute, or a list of names', example: usual })
  .optional().describe(`Attributes that carry ${what}: the first of them that is there.`)

/** A SAML 2.0 identity provider. */
export const saml = z.strictObject({
  connector: z.literal('saml'),
  ...common,
  metadata_url: httpUrl.optional().describe('Where the identity provider publishes its metadata: read daily, and when it signs with an unknown key.'),
  metadata_file: path.optional().describe('The metadata as a file.'),
  metadata_certificates: z.array(words).min(1).optional()
    .describe('Certificates (PEM, or paths of PEM files) of which one must have signed the metadata; left out, its signature is not looked at.'),
  entity_id: words.optional().describe('The identity provider\'s entityID: pinned where metadata is given, and which entity is meant where it describes several.'),
  sso_url: httpUrl.optional().describe('Where AuthnRequests go (Redirect binding), where there is no metadata.'),
  slo_url: httpUrl.optional().describe('Where LogoutRequests go (Redirect binding), where there is no metadata.'),
  certificates: z.array(words).min(1).optional().describe('Certificates it signs with, where there is no metadata: PEM, or paths of PEM files.'),
  attributes: z.strictObject({
    subject: attribute('what identifies the account and never changes, in place of the NameID', 'urn:oasis:names:tc:SAML:attribute:subject-id'),
    email: attribute('the e-mail', 'mail'),
    name: attribute('the display name', 'displayName'),
    first_name: attribute('the first name, where there is no display name', 'givenName'),
    last_name: attribute('the last name, where there is no display name', 'sn'),
    groups: attribute('the groups', 'memberOf'),
    amr: attribute('the authentication methods', 'http://schemas.microsoft.com/claims/authnmethodsreferences')
  }).prefault({}).describe('Which attributes carry the identity, in place of those that are known of the usual providers.'),
  idp_initiated: z.enum(['off', 'restart', 'accept']).default('off')
    .describe('What a response does that nobody here asked for: `off` refuses it, `restart` begins a sign-in in its place, `accept` signs its person in. With `accept` another site can sign somebody in as somebody else.'),
  want_signed: z.enum(['either', 'assertion', 'response', 'both']).default('either')
    .describe('What must be signed; whatever is signed beside it must verify as well.'),
  sign_requests: z.boolean().default(true).describe('Sign AuthnRequests.'),
  name_id_format: words.optional().describe('Format to ask for as NameIDPolicy; nothing is asked for when left out.'),
  request_authn_context: z.boolean().default(false).describe('Also ask for `require_acr`, as RequestedAuthnContext; left out, it is only checked.'),
  sp_entity_id: words.optional().describe('Our entityID, for customers who move over; the metadata URL when left out.'),
  acs_urls: z.array(httpUrl).default([]).describe('Further ACS addresses that a response may be for, for customers who move over: whatever stands there forwards the POST.'),
  dangerously_allow_sha1: z.boolean().default(false).describe('Accept signatures and digests with SHA-1. Whoever can make two messages collide can then forge one.'),
  dangerously_allow_cbc: z.boolean().default(false).describe('Accept assertions encrypted with AES-CBC. Whoever sees one on its way can then find out what it says, one guess after the other.'),
  dangerously_allow_http: z.boolean().default(false)
    .describe('Accept plain-http addresses of this identity provider beyond loopback. Anybody on the way can then sign in as anybody.')
})
