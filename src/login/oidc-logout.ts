import type { Connection } from '../config/configuration.ts'
import type { LoginDeps } from './deps.ts'
import { redirect, type Answer } from './answer.ts'
import { asPorticoError } from './failure.ts'
import type { Farewells } from './farewell.ts'
import type { KeptTokens } from './kept-tokens.ts'
import { homeOf, longestHint, placeOfUrl } from './return-target.ts'
import type { Leaving } from './sealed.ts'
import { toProvider } from './to-provider.ts'
import type { Visit } from './visit.ts'

export interface OidcLogoutSteps {
  /** Whether whoever signed out is to be taken on to this connection's provider, as far as can be known. Never rejects. */
  isTold (connection: string): Promise<boolean>
  /** As that of SAML: on to their provider; undefined where it takes nobody. Never rejects. */
  leave (leaving: Leaving, returnTo: string | undefined, visit: Visit): Promise<Answer | undefined>
}

/** Takes people who have signed out here on to their OpenID provider (OpenID Connect RP-Initiated Logout; behaviours.md L2, L7). */
export const createOidcLogoutSteps = ({ configuration, connectors, log }: Pick<LoginDeps, 'configuration' | 'connectors' | 'log'>, { farewells, keptTokens }: {
  readonly farewells: Farewells
  readonly keptTokens: Pick<KeptTokens, 'take'>
}): OidcLogoutSteps => {
  const speaking = (id: string): Connection | undefined => {
    const connection = configuration().connections.get(id)
    return connection?.connector === 'saml' ? undefined : connection
  }

  /** Without it the provider may ask the person first, no more. */
  const idTokenOf = async (sid: string, requestId: string): Promise<string | undefined> => {
    try {
      return (await keptTokens.take(sid))?.idToken
    } catch (error) {
      log.warn({ err: asPorticoError(error), request_id: requestId }, 'somebody signs out at their identity provider without an ID token')
      return undefined
    }
  }

  /** What goes along in an address must be short: a longer one becomes the home of its app. */
  const shortened = (returnTo: string | undefined): string | undefined => {
    if (returnTo === undefined || returnTo.length <= longestHint) return returnTo
    const place = placeOfUrl(configuration(), returnTo)?.place
    return place === undefined ? undefined : homeOf(place)
  }

  return {
    isTold: async id => {
      const connection = speaking(id)
      try {
        return connection !== undefined && await connectors.oidcLogout.takes(connection)
      } catch {
        // `leave` finds out once more, and says so
        return true
      }
    },

    leave: async ({ sid, email, connection: id, organization }, returnTo, { requestId }) => {
      const connection = speaking(id)
      if (connection === undefined) return undefined
      try {
        const idToken = await idTokenOf(sid, requestId)
        const request = await connectors.oidcLogout.request(connection, { idToken, email, state: farewells.state(organization, shortened(returnTo)) })
        return request === undefined ? undefined : toProvider(request, [], 303)
      } catch (error) {
        log.warn({ err: asPorticoError(error), request_id: requestId, connection: id }, 'the identity provider of somebody who signed out cannot be told')
        return redirect(farewells.link({ organization, provider: 'not_told' }, returnTo), [], 303)
      }
    }
  }
}
