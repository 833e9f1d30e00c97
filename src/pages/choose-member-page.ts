import { html } from './html.ts'
import { layout } from './layout.ts'

export interface ChooseMemberPage {
  readonly email: string
  readonly candidates: readonly string[]
  readonly organization: string
  /** Where the form posts to, on the same host, and with what. */
  readonly action: string
  readonly handle: string
}

/** Asks as which of several invited addresses somebody comes who is all of them (product R20). */
export const chooseMemberPage = ({ email, candidates, organization, action, handle }: ChooseMemberPage): string => layout('Which account?', html`<h1>Which account?</h1>
<p>You signed in as <strong>${email}</strong>. ${organization} has invited you under several addresses, each with an account of its own.</p>
<form method="post" action="${action}">
<input type="hidden" name="handle" value="${handle}">
${candidates.map(address => html`<button type="submit" name="address" value="${address}">${address}</button>
`)}</form>`)
