import { claim } from './claim.ts'
import type { Claims, Dialect } from './dialect.ts'

/** What is known of a person: claims, and who said them. */
export interface Profile {
  readonly claims: Claims
  /** `claim email of userinfo`, in words. */
  readonly origin: (name: string) => string
}

/** Claims of one source alone. */
export const profileFrom = (claims: Claims, source: 'the ID token' | 'userinfo' | 'the access token'): Profile => ({
  claims, origin: name => `claim ${name} of ${source}`
})

/** Whether something that the identity is made of is still to be asked for at the userinfo endpoint. */
export const lacksClaims = (claims: Claims, { completed }: Dialect): boolean =>
  completed.some(names => names.every(name => claim(claims, name) === undefined))

/**
 * The ID token's claims, completed by userinfo's. An e-mail and the word that it is verified come from
 * one place: `email_verified` of one never vouches for `email` of the other.
 */
export const mergeClaims = (idToken: Claims, userinfo: Claims, { completed }: Dialect): Profile => {
  const isMissing = (name: string): boolean => claim(idToken, name) === undefined
  // a claim that another one of the ID token stands for is not looked for elsewhere
  const wanted = completed.filter(names => names.every(isMissing)).flat()
  const names = [...wanted, ...['_claim_names', 'hasgroups'].filter(isMissing)]
  const isUnvouched = isMissing('email_verified') && claim(idToken, 'email') === claim(userinfo, 'email')
  const source = wanted.includes('email') || isUnvouched ? userinfo : idToken
  const isFromUserinfo = (name: string): boolean => name === 'email' || name === 'email_verified' ? source === userinfo : names.includes(name)
  return {
    claims: {
      ...idToken,
      ...Object.fromEntries(names.map(name => [name, claim(userinfo, name)])),
      email: claim(source, 'email'),
      email_verified: claim(source, 'email_verified')
    },
    origin: name => `claim ${name} of ${isFromUserinfo(name) ? 'userinfo' : 'the ID token'}`
  }
}
