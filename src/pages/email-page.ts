import { publicText } from '../errors.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

export interface EmailPage {
  /** What was typed or hinted. */
  readonly email: string
  /** Query parameters that go on with the form. */
  readonly kept: ReadonlyMap<string, string>
  readonly appName: string | undefined
  /** True when no connection signs this e-mail in: the same page for unknown, testing and disabled (H8, N9). */
  readonly isRefused: boolean
  readonly requestId: string
}

/** The one question that Portico asks: a work e-mail. A plain GET form; no script. */
export const emailPage = ({ email, kept, appName, isRefused, requestId }: EmailPage): string => {
  const refusal = publicText('PORTICO_NO_CONNECTION')
  return layout('Sign in', html`<h1>${appName === undefined ? 'Sign in' : `Sign in to ${appName}`}</h1>
<p>With your work e-mail we find your company's own sign-in.</p>
${isRefused ? html`<p class="problem" id="problem" role="alert">${refusal.text}<br><span class="soft"><code>PORTICO_NO_CONNECTION</code> · ${requestId}</span></p>` : undefined}
<form method="get" action="/login">
${[...kept].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<label for="email">Work e-mail</label>
<input id="email" name="email" type="email" inputmode="email" autocomplete="email" autocapitalize="none" spellcheck="false" maxlength="320" placeholder="you@company.com" value="${email}" required autofocus${isRefused ? html` aria-invalid="true" aria-describedby="problem"` : undefined}>
<button type="submit">Continue</button>
</form>
<p class="soft">There is no password here: your company's identity provider asks for it, and resets it if it is forgotten.</p>`)
}
