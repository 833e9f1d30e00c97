import type { App, AppPlace, Connection } from './configuration.ts'

/**
 * The redirect URI that is registered at the identity provider, from configuration alone (behaviours.md
 * O9): the connection's own, or the one that it shares (product R8, R27).
 */
export const redirectUriOf = (authOrigin: string, { id, callback }: Pick<Connection, 'id' | 'callback'>): string =>
  `${authOrigin}/login${callback === 'shared' ? '' : `/${id}`}/callback`

/** The addresses of our side of a SAML connection; its entityID is the address of its metadata (product.md, "The auth host"). */
export const samlAddressesOf = (authOrigin: string, connection: string): { readonly acs: string, readonly metadata: string, readonly slo: string } => ({
  acs: `${authOrigin}/saml/${connection}/acs`,
  metadata: `${authOrigin}/saml/${connection}/metadata`,
  slo: `${authOrigin}/saml/${connection}/slo`
})

/** Where a sign-out ends: what is registered at an OpenID provider as `post_logout_redirect_uri` (RP-Initiated Logout §3.1). */
export const afterLogoutUriOf = (authOrigin: string): string => `${authOrigin}/logout/done`

/** Where an OpenID provider tells of sign-outs by itself (`backchannel_logout_uri`), and by frames (`frontchannel_logout_uri`). */
export const logoutUrisOf = (authOrigin: string, connection: string): { readonly backChannel: string, readonly frontChannel: string } => ({
  backChannel: `${authOrigin}/logout/${connection}/backchannel`,
  frontChannel: `${authOrigin}/logout/${connection}/frontchannel`
})

/** Where an identity provider sends people who begin there (OpenID Connect Core §4): its initiate-login URI (product R23). */
export const initiateLoginUriOf = (authOrigin: string, connection: string): string => `${authOrigin}/login/${connection}`

/** One link that signs people in through this connection and opens this app (product R31). */
export const appLinkOf = (authOrigin: string, connection: string, { app, region }: { readonly app: Pick<App, 'id'> } & Pick<AppPlace, 'region'>): string =>
  `${authOrigin}/login/${connection}?${new URLSearchParams({ app: app.id, ...region !== undefined && { region } })}`

/** The address of a test sign-in (product R9). */
export const testLinkOf = (authOrigin: string, connection: string, token: string): string =>
  `${authOrigin}/test/${connection}?${new URLSearchParams({ token })}`
