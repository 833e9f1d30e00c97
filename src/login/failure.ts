import { PorticoError, publicText, retryAfterOf } from '../errors.ts'
import { errorPage, type ErrorPage } from '../pages/error-page.ts'
import { outcomeOf } from '../telemetry/metrics.ts'
import { json, page, wantsHtml, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import type { Visit } from './visit.ts'

export interface FailureContext extends Pick<ErrorPage, 'startAgain' | 'otherAccount' | 'signedInAs' | 'appName'> {
  readonly connection?: string | undefined
  readonly organization?: string | undefined
  readonly app?: string | undefined
  readonly cookies?: readonly string[]
  /** Nothing was used up: the address that was asked for is as good once more. */
  readonly isRepeatable?: boolean
}

/** Whatever was thrown, as a PorticoError. */
export const asPorticoError = (error: unknown): PorticoError =>
  error instanceof PorticoError ? error : new PorticoError('PORTICO_INTERNAL', { cause: error })

/** Answers with an error, as a page or as problem+json (RFC 9457) by Accept. */
export const explain = (error: PorticoError, visit: Visit, context: FailureContext = {}): Answer => {
  const { code, status, exact } = error
  const seconds = retryAfterOf(code)
  const url = context.isRepeatable === true ? undefined : context.startAgain
  const waiting = (answer: Answer): Answer =>
    seconds === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': String(seconds) } }
  if (wantsHtml(visit.headers.accept)) {
    // what was posted is not posted again by itself
    const refresh = seconds === undefined || (url === undefined && visit.method === 'POST') ? undefined : { seconds, url }
    return waiting(page(status, errorPage({ code, exact, requestId: visit.requestId, refresh, ...context }), context.cookies))
  }
  const { title, text } = publicText(code)
  const problem = json(status, {
    type: 'about:blank', title, status, detail: text, code, exact, login_url: context.startAgain, request_id: visit.requestId
  }, 'application/problem+json')
  return waiting({ ...problem, cookies: context.cookies ?? [] })
}

/** Answers for a sign-in that ended badly, and says so in the audit log and the metrics (R33). */
export const createRefusal = ({ configuration, audit, metrics, log }: Pick<LoginDeps, 'configuration' | 'audit' | 'metrics' | 'log'>) =>
  (thrown: unknown, visit: Visit, context: FailureContext = {}): Answer => {
    const error = asPorticoError(thrown)
    const connection = context.connection ?? error.connection
    // the path may name anything: a label is only ever one of the configuration's
    metrics.signIn(connection !== undefined && configuration().connections.has(connection) ? connection : undefined, outcomeOf(error))
    audit.refusal({
      requestId: visit.requestId,
      client: visit.client,
      code: error.code,
      connection,
      organization: context.organization,
      app: context.app,
      email: context.signedInAs,
      wanted: error.wanted,
      got: error.got,
      remedy: error.remedy
    })
    if (error.status >= 500) log.error({ err: error, request_id: visit.requestId, connection }, 'sign-in failed')
    return explain(error, visit, context)
  }

export type Refusal = ReturnType<typeof createRefusal>
