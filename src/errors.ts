/**
 * Every code that Portico can answer or log, in one place.
 *
 * `status` is the HTTP status of the answer, `public` is all that a stranger may read, `remedy`
 * tells the operator what to do. What was wanted and what came travels on the error itself, to the
 * log and never to the public page.
 */
export interface ErrorDefinition {
  readonly status: number
  /** A heading and a sentence for the person in front of the browser. Reveals nothing. */
  readonly title: string
  readonly public: string
  /** Whom to tell what, where that is known. */
  readonly tell?: string
  /** What an operator does about it. */
  readonly remedy: string
  /** Seconds after which it may be over by itself: a program may try again then, and the page does. */
  readonly retryAfter?: number
}

const define = <const T extends Record<string, ErrorDefinition>> (table: T): Readonly<T> => Object.freeze(table)

export const definitions = define({
  // At the door
  PORTICO_UNKNOWN_HOST: {
    status: 421,
    title: 'Nothing lives at this address',
    public: 'This server does not answer for the host name that was asked for.',
    remedy: 'Add the host to an app in portico.yaml, or point its DNS name elsewhere.'
  },
  PORTICO_SIGN_IN_REQUIRED: {
    status: 401,
    title: 'Please sign in',
    public: 'Nobody is signed in here. Open the page in a browser tab to sign in.',
    remedy: 'Nothing to do: the client follows login_url in a top-level navigation.'
  },
  PORTICO_STEP_UP_REQUIRED: {
    status: 401,
    title: 'Please sign in again',
    public: 'This app asks for a more recent sign-in. Open the page in a browser tab to sign in once more.',
    remedy: 'Nothing to do: max_age of the app is over, and the client follows login_url in a top-level navigation.'
  },
  PORTICO_STEP_UP_REFUSED: {
    status: 403,
    title: 'A fresh sign-in is needed',
    public: 'This app asks for a recent sign-in, and your company\'s identity provider let you through without one. Your other apps are open as before. Sign out there, and try again.',
    tell: 'If it stays like this, tell your IT department: their identity provider does not ask people to sign in anew when it is told to.',
    remedy: 'max_age of the app asks for prompt=login and max_age, of SAML for ForceAuthn; the provider ignores them, or leaves out auth_time, or its clock is off. docs/step-up.md says what to change there.'
  },
  PORTICO_NOT_FOUND: {
    status: 404,
    title: 'Page not found',
    public: 'There is no such page here.',
    remedy: 'Check the address; docs/reference.md lists the paths of the auth host.'
  },
  PORTICO_BAD_REQUEST: {
    status: 400,
    title: 'The request was not understood',
    public: 'The request could not be read.',
    remedy: 'See what was wanted and what came in the log line with this request id.'
  },
  // The store and sessions
  PORTICO_STORE_UNAVAILABLE: {
    status: 503,
    title: 'Signing in is not possible right now',
    public: 'A part of this service does not answer. Try again in a moment.',
    remedy: 'See what was wanted and what came; the store must be reachable and writable.',
    retryAfter: 5
  },
  PORTICO_VALUE_REFUSED: {
    status: 400,
    title: 'The request was not understood',
    public: 'What was sent is too large, or is not text, and cannot be kept.',
    remedy: 'Have the identity provider send less about this person: filter the groups it puts into tokens.'
  },
  // Forwarding
  PORTICO_UPSTREAM_UNREACHABLE: {
    status: 502,
    title: 'The app does not answer',
    public: 'The app behind this address cannot be reached at the moment. Try again in a moment.',
    remedy: 'See the log line with this request id: is the upstream running, and is its certificate the one that portico.yaml expects?'
  },
  PORTICO_UPSTREAM_TIMEOUT: {
    status: 504,
    title: 'The app takes too long',
    public: 'The app behind this address did not answer in time. Try again in a moment.',
    remedy: 'See why the upstream is slow, or raise its timeout in portico.yaml.'
  },
  PORTICO_WEBSOCKET_ORIGIN: {
    status: 403,
    title: 'This page may not connect here',
    public: 'The page that opened this connection does not belong to the app.',
    remedy: 'If the page is one of yours, add its origin to websocket_origins of the app.'
  },
  PORTICO_REQUEST_TIMEOUT: {
    status: 408,
    title: 'The request took too long',
    public: 'The request did not arrive in time.',
    remedy: 'Nothing to do, unless honest clients meet it: see the client and what is between it and Portico.'
  },
  PORTICO_HEADERS_TOO_LARGE: {
    status: 431,
    title: 'The request is too large',
    public: 'The request has more headers or cookies than can be read. Deleting the cookies of this site may help.',
    remedy: 'An app that sets many or large cookies should set fewer: all headers together may have 32 KiB.'
  },
  PORTICO_METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'Not possible here',
    public: 'This address does not support what was asked of it.',
    remedy: 'See docs/reference.md for the methods of each path.'
  },
  PORTICO_SHUTTING_DOWN: {
    status: 503,
    title: 'Back in a moment',
    public: 'This server is restarting. Try again in a moment.',
    remedy: 'Nothing to do: Portico was told to stop, finishes what is under way and takes no new requests.',
    retryAfter: 5
  },
  PORTICO_OPS_TOKEN: {
    status: 401,
    title: 'A token is needed',
    public: 'This page needs the bearer token of the ops listener.',
    remedy: 'Send `Authorization: Bearer …` with the token of ops.token, or ask from loopback.'
  },

  // Identity providers: what their servers answer
  PORTICO_IDP_UNREACHABLE: {
    status: 503,
    title: 'Your company\'s sign-in does not answer',
    public: 'The identity provider of your company could not be reached. Try again in a moment.',
    remedy: 'Check the address that was wanted from this machine: DNS, firewall, proxy, certificate; else the identity provider is down.'
  },
  PORTICO_IDP_CERTIFICATE: {
    status: 502,
    title: 'Your company\'s sign-in could not be reached safely',
    public: 'The certificate of your company\'s identity provider, or of something in between, could not be verified.',
    tell: 'Tell your administrator the exact error below.',
    remedy: 'Run portico doctor with this connection: it names the certificate that broke the chain, and tells an expired one from one that a proxy put in. Trust a company\'s own authority with outbound.ca, or exempt the host from inspection.'
  },
  PORTICO_IDP_TIMEOUT: {
    status: 504,
    title: 'Your company\'s sign-in does not answer',
    public: 'The identity provider of your company took too long. Try again in a moment.',
    remedy: 'The identity provider accepted the connection and did not answer in time; check its status.'
  },
  PORTICO_IDP_ANSWER: {
    status: 502,
    title: 'Your company\'s sign-in answered something unexpected',
    public: 'The identity provider of your company gave an answer that could not be understood.',
    remedy: 'Compare what came with what was wanted: a proxy\'s page, a wrong discovery_url and an outage look like this.'
  },
  PORTICO_IDP_METADATA: {
    status: 502,
    title: 'Your company\'s sign-in is not set up correctly',
    public: 'The settings that your company\'s identity provider publishes cannot be used.',
    remedy: 'Check discovery_url; the provider must publish its endpoints over https, and keys for a signature that is accepted.'
  },
  PORTICO_IDP_ISSUER: {
    status: 502,
    title: 'Your company\'s sign-in is not set up correctly',
    public: 'Your company\'s identity provider calls itself by another name than it was set up with.',
    remedy: 'Set discovery_url to the issuer that the provider itself names, if that is the provider you mean.'
  },
  PORTICO_IDP_CLIENT_REFUSED: {
    status: 502,
    title: 'Your company\'s sign-in is not set up correctly',
    public: 'Your company\'s identity provider does not accept this service\'s credentials. Tell your administrator.',
    remedy: 'The client secret is wrong or expired (or the client id is): make a new secret at the identity provider and put it in client_secret.'
  },
  PORTICO_IDP_SECRET_EXPIRED: {
    status: 502,
    title: 'Your company\'s sign-in needs its administrator',
    public: 'The credentials that this service has at your company\'s identity provider have expired. Tell your administrator.',
    remedy: 'Make a new client secret (or certificate) at the identity provider, put it in client_secret, and its end in client_secret_expires.'
  },
  PORTICO_IDP_CODE_REFUSED: {
    status: 400,
    title: 'This sign-in is no longer valid',
    public: 'The sign-in took too long or was already used. Start again.',
    remedy: 'Usually a repeated or late return; if it always happens, the redirect URI or client id differs from what is registered at the provider.'
  },
  PORTICO_IDP_REFRESH_REFUSED: {
    status: 403,
    title: 'Your sign-in has ended',
    public: 'Your company\'s identity provider has ended your sign-in. Sign in again.',
    remedy: 'Nothing to do: the provider takes this refresh token no more (the account was disabled, its sessions revoked, or the token has expired), and the person signs in again. If it happens to everybody, the lifetime of refresh tokens at the provider is too short.'
  },
  PORTICO_IDP_TOKEN_REFUSED: {
    status: 502,
    title: 'Your company\'s sign-in refused',
    public: 'Your company\'s identity provider did not complete the sign-in. Tell your administrator.',
    remedy: 'See the error that the token endpoint gave.'
  },
  PORTICO_IDP_REFUSED: {
    status: 403,
    title: 'Your company\'s sign-in refused',
    public: 'The identity provider of your company did not sign you in. Start again, or ask your administrator for access.',
    remedy: 'See the error that the provider gave: access_denied means cancelled, or not assigned to this application there.'
  },
  PORTICO_IDP_WRONG_ACCOUNT: {
    status: 403,
    title: 'This account does not belong here',
    public: 'Your company\'s identity provider does not know the account that you used. Use the account of your company.',
    remedy: 'See the error that the provider gave: the person is signed in there with an account of another company.'
  },
  PORTICO_SHARED_CALLBACK: {
    status: 502,
    title: 'Your company\'s sign-in is not set up correctly',
    public: 'The settings of your company\'s identity provider cannot be used. Tell your administrator.',
    remedy: 'This provider does not name itself in its answers (RFC 9207): use callback: own, and register that redirect URI.'
  },
  // Identity providers: the return
  PORTICO_RESPONSE_INVALID: {
    status: 400,
    title: 'This sign-in cannot be completed',
    public: 'What came back from the identity provider was incomplete. Start again.',
    remedy: 'The return must carry code and state, each once, and no tokens.'
  },
  PORTICO_RESPONSE_STATE: {
    status: 400,
    title: 'This sign-in cannot be completed',
    public: 'What came back does not belong to this sign-in. Start again.',
    remedy: 'A return of another sign-in, or an attack; nothing to set.'
  },
  PORTICO_RESPONSE_ISSUER: {
    status: 400,
    title: 'This sign-in cannot be completed',
    public: 'What came back was sent by another identity provider. Start again.',
    remedy: 'The iss parameter (RFC 9207) differs from the issuer of the connection: an attack, or a provider that names itself inconsistently.'
  },
  // Identity providers: the ID token
  PORTICO_ID_TOKEN_MISSING: {
    status: 502,
    title: 'Your company\'s sign-in answered something unexpected',
    public: 'Your company\'s identity provider did not say who you are. Tell your administrator.',
    remedy: 'The token endpoint gave no ID token: the client must be an OpenID Connect one, with the scope openid allowed.'
  },
  PORTICO_ID_TOKEN_MALFORMED: {
    status: 502,
    title: 'Your company\'s sign-in answered something unexpected',
    public: 'What your company\'s identity provider says about you could not be read.',
    remedy: 'The ID token must be a signed, unencrypted JWT.'
  },
  PORTICO_ID_TOKEN_ALGORITHM: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What your company\'s identity provider says about you is not signed in an accepted way.',
    remedy: 'Have the provider sign ID tokens for this client with RS256, PS256, ES256 (or 384, 512) or EdDSA; never with the client secret (HS256) or none.'
  },
  PORTICO_ID_TOKEN_KEY: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What your company\'s identity provider says about you is signed with a key that it does not publish. Try again in a minute.',
    remedy: 'The key must be in the provider\'s jwks_uri; keys are asked for again once a minute at most.'
  },
  PORTICO_ID_TOKEN_SIGNATURE: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'The signature on what your company\'s identity provider says about you is not valid.',
    remedy: 'The ID token was not signed by the provider\'s published key: an attack, a proxy, or keys out of step.'
  },
  PORTICO_ID_TOKEN_ISSUER: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back speaks for another identity provider.',
    remedy: 'iss must be exactly the issuer of the discovery document.'
  },
  PORTICO_ID_TOKEN_AUDIENCE: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back was meant for another application.',
    remedy: 'aud must contain client_id, and azp must be client_id where it is present or several audiences are.'
  },
  PORTICO_ID_TOKEN_TIME: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back is too old, or from the future.',
    remedy: 'Compare the clocks of this machine and of the provider: 300 seconds apart is the most that is accepted.'
  },
  PORTICO_ID_TOKEN_NONCE: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back belongs to another sign-in. Start again.',
    remedy: 'nonce must be the one of this sign-in: a replayed token, or a provider that leaves it out.'
  },
  PORTICO_ID_TOKEN_AUTH_TIME: {
    status: 403,
    title: 'Please sign in afresh',
    public: 'You signed in at your company\'s identity provider too long ago. Start again and sign in there once more.',
    remedy: 'max_age asks for auth_time in the ID token, no older than that; the provider left it out or ignored max_age.'
  },
  PORTICO_ID_TOKEN_SUBJECT: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'Your company\'s identity provider did not say who you are.',
    remedy: 'sub must be a text of 1 to 255 characters without control characters.'
  },
  PORTICO_ID_TOKEN_HASH: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back does not belong together.',
    remedy: 'at_hash of the ID token is not that of the access token beside it: one of them was exchanged on the way.'
  },
  PORTICO_USERINFO_SUBJECT: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'Your company\'s identity provider spoke of two different people.',
    remedy: 'sub of the userinfo endpoint must be that of the ID token.'
  },
  // Identity providers: SAML
  PORTICO_SAML_MESSAGE: {
    status: 400,
    title: 'This sign-in cannot be completed',
    public: 'What came back from your company\'s identity provider could not be read. Start again.',
    remedy: 'The message must be base64 of well-formed UTF-8 XML, small and flat, without DOCTYPE, processing instructions or comments.'
  },
  PORTICO_SAML_TIMEOUT: {
    status: 503,
    title: 'This sign-in cannot be completed',
    public: 'What came back from your company\'s identity provider could not be checked in time. Try again in a moment.',
    remedy: 'Verifying one message took longer than its deadline: the machine is overloaded, or somebody sends messages that are made to be slow.'
  },
  PORTICO_SAML_SIGNATURE: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'The signature on what your company\'s identity provider says about you is not valid.',
    remedy: 'Compare the certificates of the connection (portico doctor) with the one that the provider signs with: a new certificate, an unsigned response, or an attack.'
  },
  PORTICO_SAML_ALGORITHM: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What your company\'s identity provider says about you is not signed or encrypted in an accepted way.',
    remedy: 'Have the provider sign with RSA-SHA256 (or 384, 512, PSS, ECDSA) and encrypt with AES-GCM and RSA-OAEP; the settings that accept less say what they cost.'
  },
  PORTICO_SAML_ENCRYPTION: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What your company\'s identity provider says about you could not be opened.',
    remedy: 'Have the provider encrypt for the certificate in Portico\'s metadata of this connection, or not at all.'
  },
  PORTICO_SAML_STATUS: {
    status: 403,
    title: 'Your company\'s sign-in refused',
    public: 'The identity provider of your company did not sign you in. Start again, or ask your administrator for access.',
    remedy: 'See the status that the provider gave: not assigned to this application, a NameID format or an authentication context that it cannot give, or cancelled.'
  },
  PORTICO_SAML_VERSION: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back is of a kind that is not accepted.',
    remedy: 'Version must be 2.0.'
  },
  PORTICO_SAML_ASSERTION: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'Your company\'s identity provider did not say who you are.',
    remedy: 'A response must hold exactly one assertion, with its issuer, subject, conditions and authentication statement.'
  },
  PORTICO_SAML_ISSUER: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back speaks for another identity provider.',
    remedy: 'Issuer must be exactly the entityID of this connection\'s provider.'
  },
  PORTICO_SAML_DESTINATION: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back was meant for another address.',
    remedy: 'Destination and Recipient must be the ACS URL of this connection exactly as in its metadata: compare it with what is entered at the provider, and auth_url.'
  },
  PORTICO_SAML_AUDIENCE: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back was meant for another application.',
    remedy: 'Every AudienceRestriction must name our entityID: compare sp_entity_id, or the metadata URL, with what is entered at the provider.'
  },
  PORTICO_SAML_CONFIRMATION: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back cannot be accepted from a browser.',
    remedy: 'The subject must be confirmed as bearer, with Recipient and NotOnOrAfter.'
  },
  PORTICO_SAML_TIME: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back is too old, or from the future. Start again.',
    remedy: 'Compare the clocks of this machine and of the provider: 180 seconds apart is the most that is accepted.'
  },
  PORTICO_SAML_AUTHN_INSTANT: {
    status: 403,
    title: 'Please sign in afresh',
    public: 'You signed in at your company\'s identity provider too long ago. Start again and sign in there once more.',
    remedy: 'max_age asks for an AuthnInstant no older than that: the provider ignored ForceAuthn.'
  },
  PORTICO_SAML_UNSOLICITED: {
    status: 403,
    title: 'Please start here',
    public: 'Signing in from your company\'s portal is not switched on. Start again from here.',
    remedy: 'The response answers no request. Set idp_initiated: restart to begin a sign-in in its place; accept signs people in with it, and says what that costs.'
  },
  PORTICO_SAML_IN_RESPONSE_TO: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What came back belongs to another sign-in. Start again.',
    remedy: 'InResponseTo of the signed SubjectConfirmationData must be the ID of the request that this browser made: a stolen or swapped response, or a provider that leaves it out.'
  },
  PORTICO_SAML_REPLAYED: {
    status: 403,
    title: 'This sign-in was used before',
    public: 'What came back was used already. Start again.',
    remedy: 'Each assertion is accepted once: somebody went back in the browser, or somebody else has seen the response.'
  },
  PORTICO_SAML_SUBJECT: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'Your company\'s identity provider did not say who you are in a way that lasts.',
    remedy: 'NameID must be one that is the same at each sign-in, never transient; or name an attribute that never changes as attributes.subject.'
  },
  PORTICO_SAML_METADATA: {
    status: 502,
    title: 'Your company\'s sign-in is not set up correctly',
    public: 'The settings that your company\'s identity provider publishes cannot be used.',
    remedy: 'The metadata must describe the entity of this connection, be valid today, and hold a signing certificate and a sign-on address for the Redirect or POST binding.'
  },
  PORTICO_SAML_LOGOUT: {
    status: 403,
    title: 'This sign-out was not accepted',
    public: 'Another site asked to sign you out, and could not prove that it may.',
    remedy: 'A LogoutRequest must be signed by the provider, be for our SLO URL, be of now, and name whom it means.'
  },

  // Identity providers: sign-outs by OpenID Connect
  PORTICO_LOGOUT_TOKEN: {
    status: 400,
    title: 'This sign-out was not accepted',
    public: 'A server asked to sign somebody out, and could not prove that it may.',
    remedy: 'A logout token must be signed by the provider with a key that it publishes, be for our client id, be of now and new, have the logout event and no nonce, and name a session or a person: compare what was wanted with what came.'
  },
  PORTICO_FRONT_CHANNEL_LOGOUT: {
    status: 400,
    title: 'This sign-out was not accepted',
    public: 'Another site asked to sign you out, and did not say whom it means.',
    remedy: 'A provider adds iss, its issuer, and sid to our front-channel logout address when it is told that we require a session there.'
  },

  // Identity providers: who it is
  PORTICO_EMAIL_MISSING: {
    status: 403,
    title: 'Your e-mail is missing',
    public: 'Your company\'s identity provider did not say which e-mail is yours. Tell your administrator.',
    remedy: 'Release the wanted claim to this client at the provider, or name the right one in claims.email.'
  },
  PORTICO_EMAIL_INVALID: {
    status: 403,
    title: 'Your e-mail cannot be used',
    public: 'The e-mail that your company\'s identity provider gave is not one that can be used here.',
    remedy: 'The claim must hold one plain address: one @, ASCII before it, an exact domain after it.'
  },
  PORTICO_EMAIL_UNVERIFIED: {
    status: 403,
    title: 'Your e-mail is not verified',
    public: 'Your company\'s identity provider does not call your e-mail verified.',
    tell: 'Ask the administrator of your company\'s identity provider to verify the e-mail of your account there, or use another account.',
    remedy: 'Have the provider send email_verified: true; only if nobody can edit an e-mail there, set dangerously_trust_unverified_email.'
  },
  PORTICO_EMAIL_DOMAIN: {
    status: 403,
    title: 'This e-mail does not belong here',
    public: 'Your company\'s identity provider named an e-mail of a domain that it does not speak for.',
    tell: 'Use the account with your work e-mail. If this is it, tell your administrator that its domain must be added to your company\'s sign-in here.',
    remedy: 'If the organization owns the domain, add it to domains of this connection; else the person needs another address at the provider.'
  },
  PORTICO_CLAIM_INVALID: {
    status: 403,
    title: 'Your profile cannot be used',
    public: 'Something that your company\'s identity provider says about you cannot be used here. Tell your administrator.',
    remedy: 'Correct the named claim at the provider: texts without control characters; groups as a list of texts.'
  },
  PORTICO_CONSUMER_ACCOUNT: {
    status: 403,
    title: 'This is a personal account',
    public: 'You signed in with a personal account. Use the account of your company.',
    remedy: 'The account belongs to no Workspace or tenant: the person uses the one that their company manages.'
  },
  PORTICO_WORKSPACE_DOMAIN: {
    status: 403,
    title: 'This account does not belong here',
    public: 'You signed in with the account of another company. Use the account of this one.',
    remedy: 'hd must be workspace_domain: compare it with the primary domain in the Google Admin console, or have the person use another account.'
  },
  PORTICO_TENANT_NOT_ALLOWED: {
    status: 403,
    title: 'This account does not belong here',
    public: 'You signed in with the account of another company. Use the account of this one.',
    remedy: 'tid must be tenant_id, or with tenancy: multiple a key of tenants: add it there if the organization owns that tenant too.'
  },
  PORTICO_TOKEN_VERSION: {
    status: 403,
    title: 'This sign-in cannot be trusted',
    public: 'What your company\'s identity provider says about you is of a kind that is not accepted.',
    remedy: 'Entra must send tokens of version 2.0: use a v2.0 discovery_url, and for access tokens set requestedAccessTokenVersion: 2 in the manifest.'
  },
  PORTICO_GUEST_ACCOUNT: {
    status: 403,
    title: 'Guests cannot sign in here',
    public: 'You signed in as a guest of this company. Use the account of your own company.',
    remedy: 'The person is a guest of the tenant. If guests of this tenant are to come in, set allow_guests: true and list their domains.'
  },
  PORTICO_ACR_REQUIRED: {
    status: 403,
    title: 'A stronger sign-in is needed',
    public: 'Your company\'s identity provider did not sign you in in the way that is asked for here. Start again, or ask your administrator.',
    remedy: 'acr must be one of require_acr: have the provider assert it for this application (it was asked for as acr_values).'
  },
  PORTICO_AMR_REQUIRED: {
    status: 403,
    title: 'A stronger sign-in is needed',
    public: 'Your company\'s identity provider did not sign you in in the way that is asked for here. Start again, or ask your administrator.',
    remedy: 'amr must have one of require_amr: have the provider ask for that method, such as a second factor, for this application.'
  },
  PORTICO_GROUPS_ELSEWHERE: {
    status: 403,
    title: 'You are in too many groups',
    public: 'Your company\'s identity provider did not send all that is needed about you. Tell your administrator.',
    remedy: 'The provider put a claim elsewhere because it is too large (overage): have it send only the groups assigned to this application. In Entra: Token configuration > Edit groups claim > Groups assigned to the application, or app roles with claims.groups: roles.'
  },

  // Signing in
  PORTICO_NO_CONNECTION: {
    status: 422,
    title: 'No sign-in for this e-mail',
    public: 'We do not know a company sign-in for this e-mail address. Check the spelling, or ask your administrator which address to use.',
    remedy: 'List the domain under a connection with `status: active`; `portico check` shows which domains are routed.'
  },
  PORTICO_NO_ACTIVE_CONNECTION: {
    status: 503,
    title: 'Signing in is not open here',
    public: 'Your organization has no sign-in that is switched on at the moment. Ask your administrator when it will be.',
    remedy: 'Set `status: active` on a connection of the organization, or wait for its `activate_at`; testing and disabled ones are not shown.'
  },
  PORTICO_ATTEMPT_LOST: {
    status: 400,
    title: 'This sign-in cannot be finished',
    public: 'It was begun in another browser, took too long, or was finished before. Start again from here.',
    remedy: 'Usually nothing: the person starts again. If it happens to everybody, cookies of the auth host are lost on the way: check auth_url and the proxy in front.'
  },
  PORTICO_ATTEMPT_REVOKED: {
    status: 403,
    title: 'This sign-in was ended',
    public: 'While you were signing in, an administrator ended your sign-ins. Start again, or ask your administrator.',
    remedy: 'Nothing to do: a member, a subject, an organization or a connection was revoked after this sign-in had begun.'
  },
  PORTICO_COOKIES_BLOCKED: {
    status: 400,
    title: 'Your browser keeps no cookies for this page',
    public: 'Signing in needs cookies. Allow them for this address, then try again.',
    remedy: 'The browser did not send back what /.portico/begin set: cookies are blocked, or the app is opened over plain http beyond loopback.'
  },
  PORTICO_REDIRECT_LOOP: {
    status: 400,
    title: 'Signing in went round in circles',
    public: 'You are signed in, but this page keeps forgetting it. Allow cookies for this address, then try again.',
    remedy: 'The session cookie did not come back to the app host: compare the app\'s url with what browsers use, and look for a proxy that drops Set-Cookie.'
  },
  PORTICO_NOT_INVITED: {
    status: 403,
    title: 'You are not invited yet',
    public: 'You signed in at your company\'s identity provider, but your organization lets in only whom it has invited, and your e-mail is not on its list.',
    tell: 'Ask whoever looks after this service in your organization to invite this e-mail, or use another account.',
    remedy: 'Add the e-mail to members.invited or to the invited_file of the organization; it is in force as soon as the file is saved.'
  },
  PORTICO_OTHER_ORGANIZATION: {
    status: 403,
    title: 'You belong to another organization',
    public: 'Your e-mail is registered here already, under another organization than the one that you signed in through. It can belong to one only.',
    tell: 'Sign in the way you did before. If you have changed organizations, ask your administrator to have your e-mail moved to the new one.',
    remedy: 'See which organization has the e-mail: portico members list --email E. If the person has moved, portico members move takes the member along.'
  },
  PORTICO_MEMBER_BLOCKED: {
    status: 403,
    title: 'Your access is blocked',
    public: 'You signed in at your company\'s identity provider, but your access to this service has been switched off.',
    tell: 'If that is a mistake, ask whoever looks after this service in your organization to let this e-mail in again.',
    remedy: 'Take the e-mail off blocked: of the organization, or run portico members unblock, whichever blocks it.'
  },
  PORTICO_MEMBER_CONFLICT: {
    status: 403,
    title: 'Your e-mail is known with another account',
    public: 'Your company\'s identity provider knows this e-mail by another account than the one that was recorded here: it may be somebody else\'s by now.',
    tell: 'If it has been yours all along, tell your administrator that your account at the identity provider was changed, and that it must be moved here.',
    remedy: 'If it is the same person: portico members move --email E, and they sign in again. For everybody of a new connection: replaces.'
  },
  PORTICO_APP_NOT_ALLOWED: {
    status: 403,
    title: 'This app is not open to your organization',
    public: 'You are signed in, but your organization does not have this app.',
    tell: 'Ask your administrator whether your organization should have it, or use another account.',
    remedy: 'Add the app to `apps:` of the organization, or tell the person which account to use.'
  },
  PORTICO_GROUP_REQUIRED: {
    status: 403,
    title: 'This app is for certain groups',
    public: 'You are signed in, but your organization opens this app to certain groups of its people, and you are in none of them.',
    tell: 'Ask your administrator to put you into a group that may use it; then sign out and in again. Or use another account.',
    remedy: 'Put the person into one of the wanted groups at the identity provider, or add one of theirs to groups: of the app. Filters and renaming of the connection come first.'
  },
  PORTICO_CROSS_SITE: {
    status: 403,
    title: 'This was not asked for from here',
    public: 'Another site tried to do this for you. Nothing was changed.',
    remedy: 'Forms of Portico are sent by its own pages; check what rewrites Origin on the way.'
  },
  PORTICO_TOO_MANY_REQUESTS: {
    status: 429,
    title: 'Too many attempts',
    public: 'Too many requests came from your address. Wait a minute, then try again.',
    remedy: 'If honest people are behind one address, list the proxy in front of Portico under trusted_proxies.'
  },
  PORTICO_OVERLOADED: {
    status: 503,
    title: 'Very busy',
    public: 'Signing in is not possible right now. Try again in a moment.',
    remedy: 'The event loop is late: whoever is signed in goes first. Give Portico more CPU or more instances.',
    retryAfter: 5
  },
  PORTICO_BODY_TOO_LARGE: {
    status: 413,
    title: 'Too much was sent',
    public: 'What was sent is larger than anything that is expected here.',
    remedy: 'Forms of sign-in have a few kilobytes: look at who sent more.'
  },
  PORTICO_MEDIA_TYPE: {
    status: 415,
    title: 'The form was not understood',
    public: 'What was sent is not a form.',
    remedy: 'Send application/x-www-form-urlencoded.'
  },

  // API keys and tokens
  PORTICO_API_KEY_INVALID: {
    status: 401,
    title: 'This API key is not accepted',
    public: 'There is no such API key, or it no longer exists. Make one on your account page.',
    remedy: 'A key that was mistyped, revoked, or whose owner, organization or connection is no more; `portico api-keys list` shows those that exist.'
  },
  PORTICO_API_KEY_EXPIRED: {
    status: 401,
    title: 'This API key has expired',
    public: 'The API key has reached its last day. Make a new one on your account page.',
    remedy: 'Its owner makes a new key; `api_keys.lifetime` says how long keys live unless they are made with a date of their own.'
  },
  PORTICO_API_KEY_PAUSED: {
    status: 401,
    title: 'This API key is paused',
    public: 'The owner of this API key has not signed in for too long. It works again once they sign in once.',
    remedy: 'Its owner signs in once in a browser; `api_keys.pause_after` says after how long keys pause.'
  },
  PORTICO_API_KEY_APP: {
    status: 401,
    title: 'This API key is not for this app',
    public: 'The API key was not made for this app, or its owner may no longer use this app.',
    remedy: 'Its owner makes a key for this app; the organization must have the app, and its owner a group of it where the app asks for one.'
  },
  PORTICO_API_KEY_LIMIT: {
    status: 409,
    title: 'You have enough API keys',
    public: 'Nobody may have more API keys than this. Revoke one that you no longer need.',
    remedy: 'Revoke keys of this member that are not used; `portico api-keys list` shows when each was.'
  },
  PORTICO_API_KEY_REQUEST: {
    status: 422,
    title: 'The API key was not made',
    public: 'Give it a name, at least one of your apps, and a number of days that is allowed.',
    remedy: 'See what was wanted and what came.'
  },
  PORTICO_RECENT_SIGN_IN: {
    status: 403,
    title: 'Please sign in again first',
    public: 'You signed in too long ago to make an API key. Sign in once more, then make it.',
    remedy: 'Nothing to do. If a fresh sign-in does not help, the identity provider sends an old auth_time although prompt=login was asked.'
  },
  PORTICO_BEARER_INVALID: {
    status: 401,
    title: 'This access token is not accepted',
    public: 'The access token was refused. Get a new one from your company\'s identity provider.',
    remedy: 'See what was wanted and what came: a JWT access token of this connection\'s issuer, for bearer.audience, not expired; never an ID token.'
  },
  PORTICO_BEARER_REFUSED: {
    status: 403,
    title: 'This access token opens nothing here',
    public: 'The access token is genuine, but whoever it speaks for is not let in, or not here. Whoever runs this service can look up why by the request id.',
    remedy: 'What was wanted and what came are those of a sign-in of this person, whose code is beside them.'
  },
  PORTICO_CREDENTIALS_CONFLICT: {
    status: 400,
    title: 'The request carries several credentials',
    public: 'Send one API key or one access token, once.',
    remedy: 'The client sends two different keys, a key and a token, or the same header twice: whom it speaks for is not guessed.'
  },

  PORTICO_INTERNAL: {
    status: 500,
    title: 'Something went wrong on our side',
    public: 'The request could not be answered. It is not your fault; try again in a moment.',
    remedy: 'This is a defect of Portico: report the log line with this request id.'
  }
})

export type ErrorCode = keyof typeof definitions

/** What an operator reads beside the code: what was wanted and what came. Never a secret or token. */
export interface ErrorDetails {
  readonly wanted?: string | undefined
  readonly got?: string | undefined
  /** Replaces the definition's remedy where the place that failed knows better. */
  readonly remedy?: string | undefined
  readonly connection?: string | undefined
  /** A word of the protocol's own, such as `CERT_HAS_EXPIRED`, that the public page shows as it is (R15). Never from outside. */
  readonly exact?: string | undefined
  readonly cause?: unknown
}

/** The one error class: a stable code plus what the operator needs. */
export class PorticoError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly wanted: string | undefined
  readonly got: string | undefined
  readonly remedy: string
  readonly connection: string | undefined
  readonly exact: string | undefined

  constructor (code: ErrorCode, details: ErrorDetails = {}) {
    const definition: ErrorDefinition = definitions[code]
    const parts: string[] = [definition.title]
    if (details.wanted !== undefined) parts.push(`wanted ${details.wanted}`)
    if (details.got !== undefined) parts.push(`got ${details.got}`)
    super(parts.join('; '), { cause: details.cause })
    this.name = 'PorticoError'
    this.code = code
    this.status = definition.status
    this.wanted = details.wanted
    this.got = details.got
    this.remedy = details.remedy ?? definition.remedy
    this.connection = details.connection
    this.exact = details.exact
  }
}

/** The text that a stranger may read for `code`. */
export const publicText = (code: ErrorCode): { title: string, text: string, tell: string | undefined } => {
  const definition: ErrorDefinition = definitions[code]
  return { title: definition.title, text: definition.public, tell: definition.tell }
}

/** Seconds after which whatever failed with `code` may be tried again without anybody's doing; undefined where somebody must do something. */
export const retryAfterOf = (code: ErrorCode): number | undefined => {
  const definition: ErrorDefinition = definitions[code]
  return definition.retryAfter
}
