import { html } from './html.ts'
import { layout } from './layout.ts'

/** All that a person may read of their own session: no token, no id of a session (behaviours.md V3). */
export interface Account {
  readonly email: string
  readonly name: string | undefined
  readonly organization: string
  readonly connection: string
  readonly user: string
  /** ISO 8601. */
  readonly signed_in_at: string
  readonly apps: readonly { readonly id: string, readonly name: string, readonly url: string }[]
}

/** Who am I, and where can I go. */
export const accountPage = (account: Account): string => layout('Your account', html`<h1>${account.name ?? account.email}</h1>
<dl>
<dt>E-mail</dt><dd>${account.email}</dd>
<dt>Organization</dt><dd>${account.organization}</dd>
<dt>Signed in through</dt><dd>${account.connection}, <time datetime="${account.signed_in_at}">${account.signed_in_at}</time></dd>
<dt>Your id for apps</dt><dd><code>${account.user}</code></dd>
</dl>
<p>Your apps</p>
<ul>${account.apps.map(({ name, url }) => html`<li><a href="${url}">${name}</a></li>`)}</ul>
<form method="post" action="/logout"><button type="submit">Sign out everywhere</button></form>`)
