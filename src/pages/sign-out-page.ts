import { html, type Html } from './html.ts'
import { contentSecurityPolicy, layout } from './layout.ts'

/** Asks whether a sign-out that another site began is wanted (behaviours.md L4). */
export const signOutPage = ({ email, returnTo }: { readonly email: string, readonly returnTo: string | undefined }): string => layout('Sign out?', html`<h1>Sign out?</h1>
<p>You are signed in as <strong>${email}</strong>. Signing out ends it in every app.</p>
<form method="post" action="/logout">
${returnTo === undefined ? undefined : html`<input type="hidden" name="return_to" value="${returnTo}">`}
<button type="submit">Sign out</button>
</form>
<p><a href="/account">Stay signed in</a></p>`)

/** What is known of the identity provider's own session when a sign-out ends; see `farewellSchema`. */
type ProviderOutcome = 'ended' | 'partial' | 'unconfirmed' | 'not_told' | 'asked'

const atProvider: Readonly<Record<ProviderOutcome, Html>> = {
  ended: html`<p>You are signed out here, in every app you opened from this browser, and at your company's identity provider.</p>`,
  asked: html`<p>You are signed out here and in every app you opened from this browser. Your company's identity provider was asked to sign you out too, and has sent you back.</p>`,
  partial: html`<p>You are signed out here and in every app you opened from this browser.</p>
<p class="problem">Your company's identity provider could not sign you out of everything else that you opened with it. Close this browser if others use it too.</p>`,
  unconfirmed: html`<p>You are signed out here and in every app you opened from this browser.</p>
<p class="problem">Your company's identity provider did not confirm that it signed you out: you may still be signed in there. Close this browser if others use it too.</p>`,
  not_told: html`<p>You are signed out here and in every app you opened from this browser.</p>
<p class="problem">Your company's identity provider cannot be asked to sign you out just now: you are still signed in there. Close this browser if others use it too.</p>`
}

const unknown = html`<p>You are signed out here and in every app you opened from this browser. You may still be signed in at your company's identity provider.</p>`

/** What a frame of an identity provider shows, to nobody as a rule. */
export const signedOutFrame = (): string => layout('Signed out', html`<p>Signed out.</p>`)

/** What such a frame may do: as every page, and be framed by `origin` alone. */
export const framedPolicy = (origin: string): string => contentSecurityPolicy.replace("frame-ancestors 'none'", `frame-ancestors ${origin}`)

/** Where a sign-out ends; `next` is where the person asked to go, when there is something to read before. */
export const signedOutPage = ({ provider, next }: { readonly provider?: ProviderOutcome | undefined, readonly next?: string | undefined } = {}): string => layout('Signed out', html`<h1>You are signed out</h1>
${provider === undefined ? unknown : atProvider[provider]}
${next === undefined ? html`<a class="button" href="/login?email=">Sign in again</a>` : html`<a class="button" href="${next}">Continue</a>`}`)
