import type { z } from 'zod'
import type { LoginDeps } from './deps.ts'
import { farewellSchema, isFresh, openSealed } from './sealed.ts'
import { only, type Visit } from './visit.ts'

/** Seconds between a sign-out and the page where it ends. */
const lifetime = 60
/** The same by way of an identity provider, which may ask the person, and tell every other application. */
const patience = 15 * 60

type Farewell = Omit<z.infer<typeof farewellSchema>, 'iat'>

/** What a sign-out leaves to be done, or said, at the page where it ends. */
export interface Farewells {
  /** The address of that page. `returnTo` is where the person asked to go. */
  link (farewell: Farewell | undefined, returnTo: string | undefined): string
  /** For an OpenID provider to give back at that page: that it was asked to sign somebody out (RP-Initiated Logout §3). */
  state (organization: string, returnTo: string | undefined): string
  /** What a link, or a provider, brought along, if it was sealed here a moment ago. */
  read (visit: Visit): Farewell | undefined
  /** Where an organization wants its members to go when nobody said where (product R28). */
  logoutUrlOf (organization: string | undefined): string | undefined
}

export const createFarewells = ({ configuration, sealer, now }: Pick<LoginDeps, 'configuration' | 'sealer' | 'now'>): Farewells => ({
  link: (farewell, returnTo) => {
    const search = new URLSearchParams({
      ...returnTo !== undefined && { return_to: returnTo },
      ...farewell !== undefined && { farewell: sealer().seal('farewell', { ...farewell, iat: now() }) }
    })
    return `${configuration().authOrigin}/logout/done${search.size === 0 ? '' : `?${search}`}`
  },

  state: (organization, returnTo) => sealer().seal('farewell', { organization, returnTo, provider: 'asked', iat: now() }),

  read: ({ query }) => {
    const farewell = openSealed(sealer(), 'farewell', farewellSchema, only(query, 'farewell') ?? only(query, 'state'))
    return farewell !== undefined && isFresh(farewell.iat, now(), farewell.provider === 'asked' ? patience : lifetime) ? farewell : undefined
  },

  logoutUrlOf: organization =>
    organization === undefined ? undefined : configuration().organizations.get(organization)?.logoutUrl
})
