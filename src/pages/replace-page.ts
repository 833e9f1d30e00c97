import { html } from './html.ts'
import { layout } from './layout.ts'

export interface ReplacePage {
  readonly current: string
  readonly next: string
  /** Where the form posts to, on the same host, and with what. */
  readonly action: string
  readonly fields: ReadonlyMap<string, string>
  /** Where one goes on as `current`. */
  readonly keep: string
}

/** Asks before another identity takes this browser's session over (product.md, flow 5). */
export const replacePage = ({ current, next, action, fields, keep }: ReplacePage): string => layout('Switch account?', html`<h1>Switch account?</h1>
<p>This browser is signed in as <strong>${current}</strong>. You have just signed in as <strong>${next}</strong>.</p>
<form method="post" action="${action}">
${[...fields].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button type="submit">Continue as ${next}</button>
</form>
<p><a href="${keep}">Stay signed in as ${current}</a></p>`)
