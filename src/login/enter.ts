import { z } from 'zod'
import type { Connection } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import type { Identity } from '../connections/connector.ts'
import { PorticoError } from '../errors.ts'
import { chooseMemberPage } from '../pages/choose-member-page.ts'
import { sessionSchema } from '../sessions/session.ts'
import type { Admit } from './admit.ts'
import { page, type Answer } from './answer.ts'
import { dropAttempt, readAttempt } from './attempt.ts'
import type { LoginDeps } from './deps.ts'
import type { FailureContext, Refusal } from './failure.ts'
import type { IdpSessions } from './idp-sessions.ts'
import { tokensSchema, type KeptTokens } from './kept-tokens.ts'
import { createQuestions, lostQuestion } from './questions.ts'
import type { Replacement } from './replace.ts'
import { wantedSchema, type Attempt, type Wanted } from './sealed.ts'
import { only, type Visit } from './visit.ts'
import { otherAccountLink, startAgainLink } from './wanted.ts'

const identitySchema = z.object({
  subject: z.string(),
  email: z.string(),
  name: z.string().optional(),
  groups: z.array(z.string()),
  idpSession: z.string().optional(),
  amr: z.array(z.string()).optional(),
  acr: z.string().optional(),
  authTime: z.number(),
  authTimeAssumed: z.literal(true).optional(),
  saml: sessionSchema.shape.saml,
  tokens: tokensSchema.optional()
}).transform(({ name, idpSession, amr, acr, saml, ...rest }): Identity => ({ name, idpSession, amr, acr, saml: saml === undefined ? undefined : { ...saml, nameId: saml.nameId }, ...rest }))

/** A return that was judged good, and waits for its person to say as whom they come. */
const questionSchema = z.object({ identity: identitySchema, connection: z.string(), generation: z.number(), attempt: z.string(), wanted: wantedSchema.optional() })

export interface Entry {
  /**
   * Lets in whom the provider named, or says why not: membership, the question which invited address is
   * meant, the question whether to replace whoever is signed in (flow 4).
   */
  enter (identity: Identity, connection: Connection, attempt: Attempt, visit: Visit): Promise<Answer>
  /** `POST /login/choose`: as which of several invited addresses (R20). */
  choose (visit: Visit): Promise<Answer>
}

/** From an identity to a session at the auth host. */
export const createEntry = (deps: LoginDeps, steps: {
  readonly admit: Admit
  readonly keptTokens: Pick<KeptTokens, 'keep'>
  readonly idpSessions: Pick<IdpSessions, 'record'>
  readonly replacement: Replacement
  readonly refuse: Refusal
}): Entry => {
  const { configuration, sealer, sessions, now } = deps
  const { admit, keptTokens, idpSessions, replacement, refuse } = steps
  const questions = createQuestions('choose', questionSchema, deps)

  interface Return { readonly identity: Identity, readonly connection: Connection, readonly generation: number, readonly attempt: Pick<Attempt, 'id' | 'iat'>, readonly wanted: Wanted | undefined }

  /** The attempt's cookie stays until the answer: it is what binds the question to this browser. */
  const ask = async ({ identity, connection, generation, attempt, wanted }: Return, candidates: readonly string[]): Promise<Answer> => {
    const handle = await questions.ask({ identity, connection: connection.id, generation, attempt: attempt.id, wanted })
    return page(200, chooseMemberPage({ email: identity.email, candidates, organization: connection.organization.name, action: '/login/choose', handle }))
  }

  const finish = async (from: Return, visit: Visit, chosen?: string): Promise<Answer> => {
    const { identity, connection, generation, attempt, wanted } = from
    const cookies = [dropAttempt(attempt.id)]
    try {
      const admission = await admit(identity, connection, generation, chosen)
      if (admission.kind === 'choose') return await ask(from, admission.candidates)
      const { session } = admission
      // what was revoked meanwhile ends a sign-in that had begun by then, not only sessions
      if (sessions.isRevoked({ ...session, startedAt: attempt.iat })) {
        throw new PorticoError('PORTICO_ATTEMPT_REVOKED', { wanted: 'a sign-in that nothing has ended since it began', got: 'a revocation', connection: connection.id })
      }
      await Promise.all([keptTokens.keep(session, identity.tokens), idpSessions.record(session)])
      return visit.session !== undefined && visit.session.member !== session.member
        ? await replacement.ask(session, visit.session, wanted, cookies)
        : await replacement.finish(session, visit.session, wanted, visit, cookies)
    } catch (error) {
      return refuse(error, visit, {
        connection: connection.id,
        organization: connection.organization.id,
        app: wanted?.app,
        signedInAs: identity.email,
        startAgain: startAgainLink(configuration(), wanted),
        otherAccount: otherAccountLink(configuration(), wanted),
        cookies
      })
    }
  }

  return {
    enter: (identity, connection, attempt, visit) =>
      finish({ identity, connection, generation: attempt.generation, attempt, wanted: attempt.wanted }, visit),

    choose: async visit => {
      const context: FailureContext = { startAgain: startAgainLink(configuration(), undefined) }
      try {
        const question = await questions.take(visit)
        const connection = question === undefined ? undefined : configuration().connections.get(question.connection)
        const attempt = question === undefined ? undefined : readAttempt(sealer(), question.attempt, visit, now())
        if (question === undefined || attempt === undefined || connection === undefined || !isActive(connection, now()) ||
          sessions.trust.generation(connection.id) !== question.generation) {
          return refuse(lostQuestion(), visit, { startAgain: startAgainLink(configuration(), question?.wanted) })
        }
        return await finish({ ...question, attempt, connection, wanted: question.wanted }, visit, only(visit.form, 'address') ?? '')
      } catch (error) {
        return refuse(error, visit, context)
      }
    }
  }
}
