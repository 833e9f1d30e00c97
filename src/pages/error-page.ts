import { publicText, type ErrorCode } from '../errors.ts'
import { html } from './html.ts'
import { layout, type Refresh } from './layout.ts'

export interface ErrorPage {
  readonly code: ErrorCode
  readonly requestId: string
  /** `CERT_HAS_EXPIRED`: what exactly went wrong, where that helps somebody else than the operator (R15). */
  readonly exact?: string | undefined
  /** Whoever signed in or tried to, as they may read it themselves. */
  readonly signedInAs?: string | undefined
  /** The app that it is about. */
  readonly appName?: string | undefined
  /** Where the page that was asked for is begun again. */
  readonly startAgain?: string | undefined
  /** Where another account is chosen. */
  readonly otherAccount?: string | undefined
  /** The page tries again by itself. */
  readonly refresh?: Refresh | undefined
}

/** What happened, whom to tell what, and the ways on. Reveals nothing but the code (R33). */
export const errorPage = ({ code, requestId, exact, signedInAs, appName, startAgain, otherAccount, refresh }: ErrorPage): string => {
  const { title, text, tell } = publicText(code)
  return layout(title, html`<h1>${title}</h1>
<p class="problem">${text}</p>
${signedInAs === undefined ? undefined : html`<p>You signed in as <strong>${signedInAs}</strong>.</p>`}
${appName === undefined ? undefined : html`<p>The app is <strong>${appName}</strong>.</p>`}
${tell === undefined ? undefined : html`<p>${tell}</p>`}
${refresh === undefined ? undefined : html`<p class="soft">This page tries again by itself.</p>`}
${startAgain === undefined ? undefined : html`<a class="button" href="${startAgain}">Try again</a>`}
${otherAccount === undefined ? undefined : html`<p><a href="${otherAccount}">Use another account</a></p>`}
<dl>
${exact === undefined ? undefined : html`<dt>Exact error</dt><dd><code>${exact}</code></dd>`}
<dt>${tell === undefined ? 'If it keeps happening, tell your administrator this code' : 'Tell them this code'}</dt><dd><code>${code}</code></dd>
<dt>and this request id</dt><dd><code>${requestId}</code></dd>
</dl>`, 'narrow', refresh)
}
