import { createAccountKeys, type AccountKeySteps } from './account-keys.ts'
import { createAccountSessions, type AccountSessionSteps } from './account-sessions.ts'
import { createAccount, type AccountSteps } from './account.ts'
import { createAdmit } from './admit.ts'
import { createAttempting, createAuthorize } from './authorize.ts'
import { createBegin, type BeginSteps } from './begin.ts'
import { createCallback, type CallbackSteps } from './callback.ts'
import type { LoginDeps } from './deps.ts'
import { tellingWhy } from './ended.ts'
import { createEntry, type Entry } from './enter.ts'
import { createRefusal } from './failure.ts'
import { createFarewells } from './farewell.ts'
import { createHandOff } from './hand-off.ts'
import { createIdpSessions } from './idp-sessions.ts'
import { createKeptResponses } from './kept-responses.ts'
import { createKeptTokens } from './kept-tokens.ts'
import { createLogoutNotices, type LogoutNotices } from './logout-notices.ts'
import { createOidcLogoutSteps } from './oidc-logout.ts'
import { createRedeem, type Redeem } from './redeem.ts'
import { createReturning } from './returning.ts'
import { createReplacement, type Replacement } from './replace.ts'
import { createSamlReturn, type SamlReturn } from './saml-return.ts'
import { createSamlLogoutSteps, type SamlLogoutSteps } from './saml-logout.ts'
import { createSignOut, type SignOutSteps } from './sign-out.ts'
import { createStart, type StartSteps } from './start.ts'
import { createTenantSignIn, type TenantSignIn } from './tenant.ts'
import { createTestSignIn, type TestSignIn } from './test-sign-in.ts'
import { createUnsolicited } from './unsolicited.ts'

/** Every step of sign-in, by the host that it happens on. */
export interface Login {
  readonly tenant: TenantSignIn
  readonly start: StartSteps
  readonly callback: CallbackSteps
  readonly samlReturn: SamlReturn
  readonly test: TestSignIn
  readonly entry: Entry
  readonly replacement: Replacement
  readonly begins: BeginSteps
  readonly redeem: Redeem
  readonly signOut: SignOutSteps
  readonly samlLogout: SamlLogoutSteps
  readonly logoutNotices: LogoutNotices
  readonly account: AccountSteps
  readonly accountKeys: AccountKeySteps
  readonly accountSessions: AccountSessionSteps
}

/** Puts the steps together: app host → start → authorize → callback → replace → hand-off → redeem. */
export const createLogin = (deps: LoginDeps): Login => {
  const refuse = createRefusal(deps)
  const attempting = createAttempting(deps)
  const kept = createKeptResponses(deps)
  const returning = createReturning(deps, { kept })
  const test = createTestSignIn(deps, { attempting, returning })
  const authorize = createAuthorize(deps, { attempting, refuse })
  const handOff = createHandOff(deps, { authorize, refuse })
  const replacement = createReplacement(deps, { handOff, refuse })
  const keptTokens = createKeptTokens(deps)
  const idpSessions = createIdpSessions(deps)
  const entry = createEntry(deps, { admit: createAdmit(deps), keptTokens, idpSessions, replacement, refuse })
  const begins = createBegin(deps)
  const farewells = createFarewells(deps)
  const samlLogout = createSamlLogoutSteps(deps, farewells)
  const accountSessions = createAccountSessions(deps)
  return {
    tenant: createTenantSignIn(deps),
    start: tellingWhy(deps, createStart(deps, { authorize, handOff, refuse })),
    callback: createCallback(deps, { returning, test, authorize, unsolicited: createUnsolicited(deps, { kept, entry, refuse }), entry, handOff, refuse }),
    samlReturn: createSamlReturn(deps, { kept, refuse }),
    test,
    entry,
    replacement,
    begins,
    redeem: createRedeem(deps, begins, refuse),
    signOut: createSignOut(deps, { farewells, samlLogout, oidcLogout: createOidcLogoutSteps(deps, { farewells, keptTokens }) }),
    samlLogout,
    logoutNotices: createLogoutNotices(deps, { idpSessions }),
    account: createAccount(deps, { authorize, sessions: accountSessions }),
    accountKeys: createAccountKeys(deps),
    accountSessions
  }
}
