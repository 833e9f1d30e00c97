import { SAML } from '@node-saml/node-saml'
import type { AuthorizationRequest } from '../connector.ts'
import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { IdpDescription } from './description.ts'
import { messageId } from './logout-xml.ts'
import { destinationOf, outgoing, type Outgoing } from './outgoing.ts'
import { samlSettings } from './settings.ts'
import type { SpKey } from './sp-keys.ts'

/** The library always writes one. */
const policy = /<samlp:NameIDPolicy\b[^>]*\/>/

/** Prompts that mean: whoever is signed in there says so again, or says that they are somebody else. */
const asksAgain = ['login', 'select_account']

export interface AuthnRequestFacts extends Pick<AuthorizationRequest, 'redirectUri' | 'state' | 'loginHint' | 'prompt'> {
  readonly description: IdpDescription
  /** Our entityID. */
  readonly issuer: string
}

/**
 * An AuthnRequest (SAML Core §3.4.1) without signature. No NameIDPolicy and no RequestedAuthnContext unless
 * the connection asks: AD FS refuses what it has no rule for, and Entra whoever came by another method.
 */
const authnRequest = async (connection: Connection, { redirectUri, prompt, description, issuer }: AuthnRequestFacts, id: string, destination: string): Promise<string> => {
  const { name_id_format: format, request_authn_context: asksForContext } = samlSettings(connection)
  const { requireAcr, settings: { max_age: maxAge } } = connection
  const saml = new SAML({
    callbackUrl: redirectUri,
    issuer,
    entryPoint: destination,
    // required, and never used: answers are not verified here
    idpCert: [...description.certificates],
    generateUniqueId: () => id,
    identifierFormat: format ?? null,
    disableRequestedAuthnContext: !asksForContext || requireAcr === undefined,
    authnContext: [...requireAcr ?? []],
    // SAML has no other word for how old a sign-in may be
    forceAuthn: maxAge !== undefined || asksAgain.includes(prompt ?? ''),
    skipRequestCompression: true
  })
  const { SAMLRequest: message } = await saml.getAuthorizeMessageAsync('')
  const xml = Buffer.from(String(message), 'base64').toString('utf8')
  return format === undefined ? xml.replace(policy, '') : xml
}

/**
 * Behind the octets that are signed (SAML Bindings §3.4.4.1), where Entra looks for whom it is to ask, and
 * others pass it over; in the message, as a Subject, Entra refuses it.
 */
const hinted = (sent: Outgoing, loginHint: string | undefined): Outgoing =>
  loginHint === undefined || sent.form !== undefined ? sent : { ...sent, url: `${sent.url}&${new URLSearchParams({ login_hint: loginHint })}` }

/**
 * Where the browser takes a new AuthnRequest, and its ID. Signed with `key`, unless neither the connection
 * nor the provider wants that. Throws PORTICO_SAML_METADATA where the provider has no address for it.
 */
export const createRequest = async (connection: Connection, facts: AuthnRequestFacts, key: SpKey): Promise<{ readonly id: string, readonly sent: Outgoing }> => {
  const { description: { sso, wantsSignedRequests }, state, loginHint } = facts
  const destination = destinationOf(sso)
  const id = messageId()
  const xml = destination === undefined ? '' : await authnRequest(connection, facts, id, destination)
  const isSigned = samlSettings(connection).sign_requests || wantsSignedRequests
  const sent = outgoing(sso, { parameter: 'SAMLRequest', xml, relayState: state }, isSigned ? key : undefined)
  if (sent === undefined) throw new PorticoError('PORTICO_SAML_METADATA', { wanted: 'an address for AuthnRequests, by Redirect or POST', got: 'none' })
  return { id, sent: hinted(sent, loginHint) }
}
