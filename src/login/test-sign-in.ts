import { mayUse } from '../access/apps.ts'
import type { AppPlace, Connection } from '../config/configuration.ts'
import { standingOf, type Standing } from '../config/standing.ts'
import type { Identity } from '../connections/connector.ts'
import { PorticoError, publicText } from '../errors.ts'
import { testPage, type TestResult } from '../pages/test-page.ts'
import type { Session } from '../sessions/session.ts'
import { json, page, wantsHtml, type Answer } from './answer.ts'
import { dropAttempt } from './attempt.ts'
import type { Attempting } from './authorize.ts'
import type { LoginDeps } from './deps.ts'
import { asPorticoError, explain } from './failure.ts'
import { hintOf } from './find-connection.ts'
import { redactText } from './redact-claims.ts'
import type { Held, Returned, Returning } from './returning.ts'
import { foresee, type Foreseen } from './test-admission.ts'
import { createRecorder, type Recorded } from './test-recorder.ts'
import { openTestToken } from './test-token.ts'
import { only, type Visit } from './visit.ts'

export interface TestSignIn {
  /** `GET /test/{connection}`: to the identity provider, with a token that `portico links --test` printed. */
  begin (connection: string, visit: Visit): Promise<Answer>
  /** The return of a test: what would become of it. Whoever is signed in here stays so, and goes nowhere. */
  conclude (returned: Exclude<Returned, { kind: 'unsolicited' }>, visit: Visit): Promise<Answer>
}

/** How far a test came. */
interface Outcome {
  readonly recorded?: Recorded
  readonly identity?: Identity
  readonly foreseen?: Foreseen
  readonly error?: PorticoError
}

/** The refusal as who holds the link may read it: of a testing connection that is the customer, who is told nothing of others. */
const refusalOf = (error: PorticoError, standing: Standing): TestResult['refusal'] => {
  const { title, text, tell } = publicText(error.code)
  const isOthers = error.code === 'PORTICO_OTHER_ORGANIZATION' && standing !== 'active'
  const shown = (words: string | undefined): string | null => words === undefined || isOthers ? null : redactText(words)
  return { code: error.code, title, wanted: shown(error.wanted), got: shown(error.got), remedy: isOthers ? tell ?? text : error.remedy }
}

/**
 * The test sign-in (product R9): a real one at the real provider, that changes nothing. No path of it
 * reaches a session, a ticket, a member record, or a signature.
 */
export const createTestSignIn = (deps: LoginDeps, steps: { readonly attempting: Attempting, readonly returning: Returning }): TestSignIn => {
  const { configuration, sealer, sessions, store, audit, metrics, log, preview, now } = deps
  const { attempting, returning } = steps

  /** Of the organization's apps alone: what others there are is not its business. */
  const appsFor = ({ organization }: Connection, session: Session): TestResult['apps'] =>
    [...configuration().apps.values()].filter(app => mayUse(organization, app, undefined)).flatMap(app => {
      const told = (place: AppPlace) => {
        const { headers, assertion } = preview(session, place)
        return { headers, assertion: assertion ?? null }
      }
      const [place] = app.places
      if (place === undefined) return []
      const allowed = mayUse(organization, app, session.groups ?? [])
      return [{ app: app.name, url: place.origin, allowed, ...allowed ? told(place) : { headers: [], assertion: null } }]
    })

  const resultOf = (connection: Connection, { recorded, identity, foreseen, error }: Outcome, visit: Visit): TestResult => ({
    connection: connection.id,
    organization: connection.organization.id,
    connector: connection.connector,
    standing: standingOf(connection, now()),
    verdict: error === undefined ? 'accepted' : 'refused',
    refusal: error === undefined ? null : refusalOf(error, standingOf(connection, now())),
    checks: recorded?.checks ?? [],
    claims: recorded?.claims ?? {},
    fields: recorded?.fields ?? [],
    identity: identity === undefined
      ? null
      : { email: identity.email, name: identity.name ?? null, groups: identity.groups.slice(0, 200), subject: identity.subject },
    membership: foreseen?.membership ?? null,
    apps: foreseen === undefined ? [] : appsFor(connection, foreseen.session),
    request_id: visit.requestId
  })

  /** Says in the log and the metrics that it was a test, and how it ended. */
  const note = (visit: Visit, connection: Connection, { error, identity }: Outcome): void => {
    metrics.signIn(connection.id, 'test')
    audit.test({
      requestId: visit.requestId,
      client: visit.client,
      verdict: error === undefined ? 'accepted' : 'refused',
      code: error?.code,
      connection: connection.id,
      organization: connection.organization.id,
      email: identity?.email,
      wanted: error?.wanted,
      got: error?.got,
      remedy: error?.remedy
    })
    if (error !== undefined && error.status >= 500) log.error({ err: error, request_id: visit.requestId, connection: connection.id }, 'test sign-in failed')
  }

  const show = (connection: Connection, outcome: Outcome, visit: Visit, cookies: readonly string[] = []): Answer => {
    note(visit, connection, outcome)
    const result = resultOf(connection, outcome, visit)
    return wantsHtml(visit.headers.accept) ? page(200, testPage(result), cookies) : { ...json(200, result), cookies }
  }

  /** A return that nothing can be said about: not even whose connection it was. */
  const dismiss = (error: PorticoError, visit: Visit, cookies: readonly string[] = []): Answer => {
    log.info({ request_id: visit.requestId, connection: error.connection, code: error.code, wanted: error.wanted, got: error.got }, 'a test sign-in that cannot be concluded')
    return explain(error, visit, { cookies })
  }

  const lost = (why: string, connection: string): PorticoError => new PorticoError('PORTICO_ATTEMPT_LOST', {
    wanted: 'the test that this browser began', got: why, connection, remedy: 'Open the test link again; portico links --test prints a new one.'
  })

  /** The connection, if it still is what the test began with. */
  const unchanged = ({ attempt }: Held): Connection | undefined => {
    const connection = configuration().connections.get(attempt.connection)
    return connection !== undefined && standingOf(connection, now()) === attempt.test &&
      sessions.trust.generation(connection.id) === attempt.generation
      ? connection
      : undefined
  }

  const judge = async (connection: Connection, held: Held): Promise<Outcome> => {
    const { trace, recorded } = createRecorder()
    let identity: Identity | undefined
    try {
      identity = await returning.authenticate(connection, held, trace)
      const foreseen = await foresee(store, configuration(), connection, identity, now())
      return { recorded: recorded(), identity, foreseen }
    } catch (error) {
      return { recorded: recorded(), ...identity !== undefined && { identity }, error: asPorticoError(error) }
    }
  }

  return {
    begin: async (id, visit) => {
      const connection = configuration().connections.get(id)
      const test = connection === undefined ? undefined : openTestToken(sealer(), only(visit.query, 'token'), connection, now())
      // whatever is wrong with the token, there is no such page: nobody learns which connections there are (N9)
      if (connection === undefined || test === undefined) return explain(new PorticoError('PORTICO_NOT_FOUND'), visit)
      try {
        const prompt = only(visit.query, 'prompt') === 'login' ? 'login' : undefined
        return await attempting(connection, undefined, visit, { loginHint: hintOf(visit), prompt, test })
      } catch (error) {
        return show(connection, { error: asPorticoError(error) }, visit)
      }
    },

    conclude: async (returned, visit) => {
      if (returned.kind === 'refused') return dismiss(returned.error, visit)
      if (returned.kind === 'lost') return dismiss(lost(returned.why, returned.state?.connection ?? ''), visit)
      const { attempt } = returned
      const cookies = [dropAttempt(attempt.id)]
      const before = unchanged(returned)
      if (before === undefined) return dismiss(lost('a connection that was changed meanwhile', attempt.connection), visit, cookies)
      try {
        if (!await returning.use(attempt)) return dismiss(lost('a test that was concluded before', attempt.connection), visit, cookies)
      } catch (error) {
        return dismiss(asPorticoError(error), visit)
      }
      const outcome = await judge(before, returned)
      // it may have been replaced while its provider was asked
      const connection = unchanged(returned)
      return connection === undefined
        ? dismiss(lost('a connection that was changed meanwhile', attempt.connection), visit, cookies)
        : show(connection, outcome, visit, cookies)
    }
  }
}
