import { isLoopback } from '../../config/schema/addresses.ts'
import type { IdpDescription } from './description.ts'

/** The first origin of another machine to which a provider would have people sent over plain http; undefined where there is none. */
export const plainHttpIn = ({ sso, slo, sloResponse }: Pick<IdpDescription, 'sso' | 'slo' | 'sloResponse'>): string | undefined =>
  [sso, slo, sloResponse].flatMap(({ redirect, post }) => [redirect, post].flatMap(address => address === undefined ? [] : new URL(address)))
    .find(({ protocol, hostname }) => protocol === 'http:' && !isLoopback(hostname))?.origin
