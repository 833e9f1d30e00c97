import { publicText } from '../errors.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

export interface TenantPage {
  /** The organization's name. */
  readonly name: string
  readonly appName: string | undefined
  /** One for each way to sign in; none shows the code that says so. */
  readonly buttons: readonly { readonly label: string, readonly href: string }[]
  readonly requestId: string
}

/** An organization's own sign-in page: its buttons, no script (product R28). */
export const tenantPage = ({ name, appName, buttons, requestId }: TenantPage): string => {
  const closed = publicText('PORTICO_NO_ACTIVE_CONNECTION')
  return layout(`Sign in: ${name}`, html`<h1>${name}</h1>
${buttons.length === 0
  ? html`<p class="problem" role="alert">${closed.text}<br><span class="soft"><code>PORTICO_NO_ACTIVE_CONNECTION</code> · ${requestId}</span></p>`
  : html`<p>${appName === undefined ? 'Sign in with' : `Sign in to ${appName} with`}</p>
${buttons.map(({ label, href }) => html`<a class="button" href="${href}">${label}</a>
`)}
<p class="soft">There is no password here: your company's identity provider asks for it, and resets it if it is forgotten.</p>`}`)
}
