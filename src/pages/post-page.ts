import { createHash } from 'node:crypto'
import { html } from './html.ts'
import { contentSecurityPolicy, layout } from './layout.ts'

const script = 'document.forms[0].submit()'

/**
 * What `postPage` may do beside what all pages may: run its one script. No `form-action` here either: the
 * identity provider answers the form with redirects that lead anywhere.
 */
export const postPagePolicy = `${contentSecurityPolicy}; script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`

/** Goes on to an identity provider by POST (SAML Bindings §3.5): by itself, or by its button where scripts are off. */
export const postPage = ({ url, fields }: { readonly url: string, readonly fields: Readonly<Record<string, string>> }): string => layout('One moment', html`<h1>One moment</h1>
<p>You are being taken to your company's identity provider.</p>
<form method="post" action="${url}">
${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button type="submit">Continue</button>
</form>
${{ markup: `<script>${script}</script>` }}`)
