import type { Log } from './log.ts'

/** Characters of any one text that somebody outside may have chosen. */
const limit = 1_000

/** What every event of a browser's doing says of the request. */
export interface AuditedRequest {
  readonly requestId: string
  /** The client's address, as the proxy layer believes it. */
  readonly client: string
}

/** Whom it concerns: as a Session names them. */
export interface AuditedSession {
  readonly sid: string
  readonly member: string
  readonly organization: string
  readonly connection: string
  readonly email: string
}

export interface SignInEvent extends AuditedRequest, AuditedSession {
  readonly app?: string | undefined
  readonly newUser: boolean
  readonly amr?: readonly string[] | undefined
  readonly acr?: string | undefined
}

export interface RefusalEvent extends AuditedRequest {
  /** The `PORTICO_…` code that the person saw. */
  readonly code: string
  readonly connection?: string | undefined
  readonly organization?: string | undefined
  readonly app?: string | undefined
  readonly email?: string | undefined
  readonly wanted?: string | undefined
  readonly got?: string | undefined
  readonly remedy?: string | undefined
}

/** A test sign-in, which let nobody in whatever its verdict. */
export interface TestEvent extends AuditedRequest {
  readonly verdict: 'accepted' | 'refused'
  readonly code?: string | undefined
  readonly connection: string
  readonly organization: string
  readonly email?: string | undefined
  readonly wanted?: string | undefined
  readonly got?: string | undefined
  readonly remedy?: string | undefined
}

export interface SignOutEvent extends AuditedRequest, AuditedSession {}

/** An identity provider has asked that somebody be signed out. */
export interface ProviderSignOutEvent extends AuditedRequest {
  readonly connection: string
  readonly organization: string
  readonly by: 'saml' | 'back_channel' | 'front_channel'
  /** As the provider names them by SAML. */
  readonly nameId?: string | undefined
  /** As sessions name them, where OpenID Connect named the person and no session. */
  readonly subject?: string | undefined
  /** How many sessions it named; 0 for all that the person has. */
  readonly sessions: number
}

export interface SessionEndedEvent extends AuditedSession {
  readonly reason: string
}

/** An API key that was made or revoked; the key itself is nobody's to know. */
export interface ApiKeyEvent {
  readonly event: 'api_key_made' | 'api_key_revoked'
  /** Its owner on the account page, an operator by command, or the end of its connection. */
  readonly by: 'member' | 'operator' | 'connection'
  readonly key: {
    readonly id: string
    readonly member: string
    readonly organization: string
    readonly label: string
    readonly apps: readonly string[]
    readonly expiresAt: number
  }
  readonly email?: string | undefined
  readonly request?: AuditedRequest | undefined
}

/** A member that an operator has changed by command. */
export interface MemberEvent {
  readonly event: 'member_blocked' | 'member_unblocked' | 'member_moved' | 'member_erased'
  readonly by: 'operator'
  /** As it was before. */
  readonly member: { readonly id: string, readonly organization: string, readonly connection: string, readonly email: string }
  /** The organization that it moves to. */
  readonly to?: string | undefined
}

/** Sessions that an operator has ended, by command or on the ops listener. */
export interface RevocationEvent {
  readonly by: 'operator'
  /** What they have in common, as `Revocation` names it; no `value` for everybody. */
  readonly kind: string
  readonly value: string
  readonly request?: AuditedRequest | undefined
}

export interface ReloadEvent {
  /** `Configuration.version`. */
  readonly version: string
  readonly apps: number
  readonly organizations: number
  readonly connections: number
}

export interface ReloadFailedEvent {
  /** The version that stays in force. */
  readonly version: string
  /** Each as `file:line:col path: what is wrong — what to do`. */
  readonly problems: readonly string[]
}

export interface Audit {
  signIn (event: SignInEvent): void
  refusal (event: RefusalEvent): void
  test (event: TestEvent): void
  signOut (event: SignOutEvent): void
  providerSignOut (event: ProviderSignOutEvent): void
  sessionEnded (event: SessionEndedEvent): void
  apiKey (event: ApiKeyEvent): void
  member (event: MemberEvent): void
  revocation (event: RevocationEvent): void
  reload (event: ReloadEvent): void
  reloadFailed (event: ReloadFailedEvent): void
}

const bounded = (text: string | undefined): string | undefined => text?.slice(0, limit)

const request = (event: AuditedRequest) => ({
  request_id: bounded(event.requestId),
  client: bounded(event.client)
})

const session = (event: AuditedSession) => ({
  sid: event.sid,
  member: event.member,
  organization: event.organization,
  connection: event.connection,
  email: bounded(event.email)
})

/**
 * The audit log (issue 2, part 7; docs/operating.md lists the fields): JSON lines among the others,
 * told apart by `audit: true`. Each function picks the fields it knows, so that nothing else that
 * hangs on a caller's object can get out. Written whatever `logs.level` is.
 */
export const createAudit = (log: Log): Audit => {
  const audit = log.child({ audit: true }, { level: 'info' })
  return {
    signIn: event => audit.info({
      event: 'sign_in',
      ...request(event),
      ...session(event),
      app: event.app,
      new_user: event.newUser,
      amr: event.amr?.slice(0, 20).map(bounded),
      acr: bounded(event.acr)
    }, 'signed in'),

    refusal: event => audit.info({
      event: 'sign_in_refused',
      ...request(event),
      code: event.code,
      connection: event.connection,
      organization: event.organization,
      app: event.app,
      email: bounded(event.email),
      wanted: bounded(event.wanted),
      got: bounded(event.got),
      remedy: bounded(event.remedy)
    }, 'sign-in refused'),

    test: event => audit.info({
      event: 'test_sign_in',
      ...request(event),
      verdict: event.verdict,
      code: event.code,
      connection: event.connection,
      organization: event.organization,
      email: bounded(event.email),
      wanted: bounded(event.wanted),
      got: bounded(event.got),
      remedy: bounded(event.remedy)
    }, 'test sign-in'),

    signOut: event => audit.info({ event: 'sign_out', ...request(event), ...session(event) }, 'signed out'),

    providerSignOut: event => audit.info({
      event: 'provider_sign_out',
      ...request(event),
      connection: event.connection,
      organization: event.organization,
      by: event.by,
      name_id: bounded(event.nameId),
      subject: bounded(event.subject),
      sessions: event.sessions
    }, 'signed out by the identity provider'),

    sessionEnded: event => audit.info({ event: 'session_ended', ...session(event), reason: bounded(event.reason) }, 'session ended'),

    apiKey: ({ event, by, key, email, request: from }) => audit.info({
      event,
      ...from !== undefined && request(from),
      by,
      key: key.id,
      member: key.member,
      organization: key.organization,
      email: bounded(email),
      label: bounded(key.label),
      apps: key.apps.slice(0, 100),
      expires_at: new Date(key.expiresAt * 1_000).toISOString()
    }, event === 'api_key_made' ? 'API key made' : 'API key revoked'),

    member: ({ event, by, member, to }) => audit.info({
      event,
      by,
      member: member.id,
      organization: member.organization,
      connection: member.connection,
      email: bounded(member.email),
      to
    }, event.replaceAll('_', ' ')),

    revocation: ({ by, kind, value, request: from }) => audit.info({
      event: 'sessions_revoked',
      ...from !== undefined && request(from),
      by,
      kind,
      value: value === '' ? undefined : bounded(value)
    }, 'sessions revoked'),

    reload: event => audit.info({
      event: 'reload',
      version: event.version,
      apps: event.apps,
      organizations: event.organizations,
      connections: event.connections
    }, 'configuration in force'),

    reloadFailed: event => audit.error({
      event: 'reload_failed',
      version: event.version,
      problems: event.problems.slice(0, 100).map(bounded),
      problem_count: event.problems.length
    }, 'configuration refused, the last good one stays')
  }
}
