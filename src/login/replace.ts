import { replacePage } from '../pages/replace-page.ts'
import type { Session } from '../sessions/session.ts'
import { page, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import type { Refusal } from './failure.ts'
import { rememberEmail } from './find-connection.ts'
import type { HandOff } from './hand-off.ts'
import { createQuestions, lostQuestion } from './questions.ts'
import { replacementSchema, type Wanted } from './sealed.ts'
import type { Visit } from './visit.ts'
import { startAgainLink } from './wanted.ts'

export interface Replacement {
  /** Asks whether a finished sign-in may replace another person's session (flow 5). */
  ask (session: Session, current: Session, wanted: Wanted | undefined, cookies: readonly string[]): Promise<Answer>
  /** `POST /login/replace`: it may. */
  confirm (visit: Visit): Promise<Answer>
  /** Puts the session in place: a new id, and the old one is dead (behaviours.md N6, E12). Throws PORTICO_STORE_UNAVAILABLE. */
  finish (session: Session, previous: Session | undefined, wanted: Wanted | undefined, visit: Visit, cookies: readonly string[]): Promise<Answer>
}

/** The end of a sign-in at the auth host. */
export const createReplacement = (deps: LoginDeps, steps: { readonly handOff: HandOff, readonly refuse: Refusal }): Replacement => {
  const { configuration, sealer, sessions, records, audit, metrics } = deps
  const { handOff, refuse } = steps
  const questions = createQuestions('replace', replacementSchema, deps)

  const finish: Replacement['finish'] = async (session, previous, wanted, visit, cookies) => {
    const line = await sessions.issue(session, configuration().authHost)
    if (previous !== undefined) await sessions.end(previous, 'replaced by a new sign-in')
    await records.begin(session, { userAgent: visit.headers['user-agent'], client: visit.client })
    metrics.signIn(session.connection, 'success')
    audit.signIn({ ...session, requestId: visit.requestId, client: visit.client, app: wanted?.app })
    return await handOff(session, wanted, visit, [...cookies, line, rememberEmail(sealer(), session.email)])
  }

  return {
    finish,

    ask: async (session, current, wanted, cookies) => {
      const handle = await questions.ask({ session, wanted, previous: current.sid })
      return page(200, replacePage({
        current: current.email,
        next: session.email,
        action: '/login/replace',
        fields: new Map([['handle', handle]]),
        keep: startAgainLink(configuration(), wanted)
      }), cookies)
    },

    confirm: async visit => {
      const context = { startAgain: startAgainLink(configuration(), undefined) }
      try {
        const pending = await questions.take(visit)
        if (pending === undefined || pending.previous !== visit.session?.sid || sessions.isRevoked(pending.session) ||
          sessions.trust.generation(pending.session.connection) !== pending.session.generation) {
          return refuse(lostQuestion(), visit, context)
        }
        return await finish(pending.session, visit.session, pending.wanted, visit, [])
      } catch (error) {
        return refuse(error, visit, context)
      }
    }
  }
}
