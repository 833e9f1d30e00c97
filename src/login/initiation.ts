import { longestTarget } from './return-target.ts'
import type { Visit } from './visit.ts'

/** What an identity provider says when it begins a sign-in (OpenID Connect Core §4). */
const said = ['iss', 'login_hint', 'target_link_uri']
/** What the operator may have written into the initiate-login URI. */
const written = ['app', 'region', 'return_to']

/** Of each parameter: what is there twice is refused where it matters, and more often makes no difference. */
const most = 2

/**
 * The parameters of a sign-in that began with a form at an identity provider, for the GET that it goes
 * on as: those that are known, cut to what could be meant (behaviours.md O18). One that was cut leads
 * nowhere: no issuer, hint or address of ours is as long.
 */
export const initiation = ({ query, form }: Visit): URLSearchParams => {
  const kept = new URLSearchParams()
  const keep = (name: string, values: readonly string[]) => {
    for (const value of values.slice(0, most)) kept.append(name, value.slice(0, longestTarget + 1))
  }
  for (const name of written) keep(name, query.getAll(name))
  for (const name of said) keep(name, [...query.getAll(name), ...form.getAll(name)])
  return kept
}
