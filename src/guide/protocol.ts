import type { Facts } from './facts.ts'
import type { ProviderGuide } from './provider.ts'
import { samlProtocol } from './saml/protocol.ts'
import { remark, say, text, value, type Block, type Entry } from './text.ts'

/** What a guide says by protocol, whatever the product. */
export interface ProtocolPart {
  /** Addresses of ours, under the names that most products have for them. */
  readonly copy: readonly Entry[]
  /** What goes with the values that are sent back: how, and what about their end. */
  readonly sending: { readonly before: readonly Block[], readonly after: readonly Block[] }
  /** The same for a program, after who it is about and before the rest. */
  readonly data: Readonly<Record<string, unknown>>
}

const oidcProtocol = (facts: Facts, { scopes, claims }: ProviderGuide): ProtocolPart => ({
  copy: [
    { name: 'Redirect URI', values: [facts.redirectUri] },
    { name: 'JavaScript origin', values: [facts.origin], note: say`only where one is asked for` },
    { name: 'Initiate login URI', values: [facts.initiateLoginUri], note: say`for tiles and bookmarks: it signs in and opens the app, or the list of them where there are several` },
    { name: 'Redirect URI for after a logout', values: [facts.afterLogoutUri], note: say`wherever there is a field for it: who signs out of our apps is taken on to sign out at your provider, and sent back here` },
    { name: 'Back-channel logout URI', values: [facts.backChannelUri], note: say`where there is a field for it: who signs out at your provider, or is signed out there, is signed out of our apps at once. Session required: yes` },
    { name: 'Front-channel logout URI', values: [facts.frontChannelUri], note: say`only where there is no back channel. Session required (${value('iss')} and ${value('sid')}): yes` }
  ],
  sending: {
    before: [remark(say`A client secret is a password. Never send it by e-mail, chat or ticket: put it into a password manager's one-time link or a vault that we share, and send the rest with its address alone.`)],
    after: [text(say`We cannot see when a secret ends. Tell us the date: we are warned 60, 30, 7 and 1 days before.`)]
  },
  data: {
    redirect_uris: [facts.redirectUri],
    javascript_origins: [facts.origin],
    initiate_login_uri: facts.initiateLoginUri,
    post_logout_redirect_uris: [facts.afterLogoutUri],
    backchannel_logout_uri: facts.backChannelUri,
    backchannel_logout_session_required: true,
    frontchannel_logout_uri: facts.frontChannelUri,
    frontchannel_logout_session_required: true,
    login_pages: facts.loginPages,
    scopes,
    claims
  }
})

/** The part of the protocol that a connection speaks. */
export const protocolPart = (facts: Facts, provider: ProviderGuide): ProtocolPart =>
  facts.connection.connector === 'saml' ? samlProtocol(facts, facts.connection, provider) : oidcProtocol(facts, provider)
