import { html } from './html.ts'
import { layout } from './layout.ts'

/** Asks whether a sign-out that another site began is wanted (behaviours.md L4). */
export const signOutPage = ({ email, returnTo }: { readonly email: string, readonly returnTo: string | undefined }): string => layout('Sign out?', html`<h1>Sign out?</h1>
<p>You are signed in as <strong>${email}</strong>. Signing out ends it in every app.</p>
<form method="post" action="/logout">
${returnTo === undefined ? undefined : html`<input type="hidden" name="return_to" value="${returnTo}">`}
<button type="submit">Sign out</button>
</form>
<p><a href="/account">Stay signed in</a></p>`)

/** Where a sign-out ends. */
export const signedOutPage = (): string => layout('Signed out', html`<h1>You are signed out</h1>
<p>You are signed out here and in every app you opened from this browser. You may still be signed in at your company's identity provider.</p>
<a class="button" href="/login?email=">Sign in again</a>`)
