import { html, type Html } from './html.ts'
import { layout } from './layout.ts'

/** See `EndReason`. */
type Reason = 'concurrent' | 'elsewhere'

const stories: Readonly<Record<Reason, Html>> = {
  concurrent: html`<p>You signed in somewhere else, and your organization lets you be signed in only in so many places at once. The oldest of them was this one.</p>
<p>If you sign in here again, the place where you have been signed in for longest is signed out.</p>`,
  elsewhere: html`<p>Somebody who was signed in as you signed this browser out, on the account page, from another browser.</p>`
}

/** Says why a person is not signed in any more; `again` is where they were on their way to. */
export const endedPage = ({ reason, again }: { readonly reason: Reason, readonly again: string }): string => layout('You were signed out', html`<h1>You were signed out here</h1>
${stories[reason]}
<a class="button" href="${again}">Sign in again</a>
<p class="soft">If that was not you, tell whoever looks after your company's sign-in.</p>`)
