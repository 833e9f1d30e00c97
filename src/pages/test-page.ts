import { html, type Html } from './html.ts'
import { layout } from './layout.ts'

/** What a test sign-in found: all that is shown, and the JSON for a program. Holds no token, secret or signature. */
export interface TestResult {
  readonly connection: string
  readonly organization: string
  readonly connector: string
  readonly standing: string
  readonly verdict: 'accepted' | 'refused'
  readonly refusal: {
    readonly code: string
    readonly title: string
    readonly wanted: string | null
    readonly got: string | null
    readonly remedy: string
  } | null
  readonly checks: readonly { readonly name: string, readonly passed: boolean, readonly wanted: string, readonly got: string }[]
  /** As the provider said them, by source, redacted. */
  readonly claims: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly fields: readonly { readonly field: string, readonly value?: string | readonly string[] | undefined, readonly from: string }[]
  /** As it would be mapped; null where it did not come that far. */
  readonly identity: {
    readonly email: string
    readonly name: string | null
    readonly groups: readonly string[]
    readonly subject: string
  } | null
  /** In words; null where it did not come that far. */
  readonly membership: string | null
  readonly apps: readonly {
    readonly app: string
    readonly url: string
    readonly allowed: boolean
    readonly headers: readonly { readonly name: string, readonly value: string }[]
    readonly assertion: Readonly<Record<string, unknown>> | null
  }[]
  readonly request_id: string
}

const table = (head: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html => html`<table>
<thead><tr>${head.map(cell => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(cells => html`<tr>${cells.map(cell => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table>`

const pretty = (value: unknown): Html => html`<pre>${JSON.stringify(value, null, 2)}</pre>`

const said = (value: string | readonly string[] | undefined): string =>
  value === undefined ? '(none)' : typeof value === 'string' ? value : value.length === 0 ? '(none)' : value.join(', ')

const verdictOf = ({ refusal, identity }: TestResult): Html => refusal === null
  ? html`<p>${identity === null ? 'This person' : html`<strong>${identity.email}</strong>`} would be let in.</p>`
  : html`<p class="problem">This person would not be let in: ${refusal.title} (<code>${refusal.code}</code>).</p>
<dl>
${refusal.wanted === null ? undefined : html`<dt>Wanted</dt><dd>${refusal.wanted}</dd>`}
${refusal.got === null ? undefined : html`<dt>Got</dt><dd>${refusal.got}</dd>`}
<dt>What to do</dt><dd>${refusal.remedy}</dd>
</dl>`

const section = (title: string, content: Html | undefined): Html | undefined =>
  content === undefined ? undefined : html`<h2>${title}</h2>\n${content}\n`

const checked = ({ checks }: TestResult): Html | undefined => checks.length === 0
  ? undefined
  : table(['', 'check', 'wanted', 'got'], checks.map(({ name, passed, wanted, got }) =>
    [passed ? '✓' : html`<strong>✗</strong>`, html`<code>${name}</code>`, wanted, got]))

const mapped = ({ fields, identity }: TestResult): Html | undefined => {
  if (fields.length > 0) return table(['field', 'value', 'from'], fields.map(({ field, value, from }) => [field, said(value), from]))
  return identity === null ? undefined : table(['field', 'value'], Object.entries(identity).map(([field, value]) => [field, said(value ?? undefined)]))
}

const told = ({ headers, assertion }: TestResult['apps'][number]): Html => html`${table(['header', 'value'], headers.map(({ name, value }) => [html`<code>${name}</code>`, value]))}
${assertion === null ? undefined : html`<p class="soft">The claims of the assertion:</p>${pretty(assertion)}`}`

const opened = ({ apps, membership }: TestResult): Html | undefined => membership === null
  ? undefined
  : html`${apps.map(app => app.allowed
    ? html`<details><summary>${app.app}: <code>${app.url}</code></summary>${told(app)}</details>`
    : html`<p>${app.app}: not open to this person.</p>`)}`

const claimed = ({ claims }: TestResult): Html | undefined => Object.keys(claims).length === 0
  ? undefined
  : html`${Object.entries(claims).map(([source, values]) => html`<p class="soft">${source}:</p>${pretty(values)}`)}`

/** The result of a test sign-in (product R9), verdict first. Every word of the provider's is escaped (O19). */
export const testPage = (result: TestResult): string => {
  const { connection, organization, connector, standing, verdict, membership, request_id: requestId } = result
  return layout(`Test of ${connection}`, html`<h1>${verdict === 'accepted' ? 'It works' : 'It does not work yet'}: test sign-in of ${connection}</h1>
${verdictOf(result)}
<p class="soft">A test of the ${standing} connection <code>${connection}</code> (${connector}) of ${organization}. Nothing was changed: nobody was signed in here, recorded, or told to an app.</p>
${section('What was checked', checked(result))}
${section('Who it is', mapped(result))}
${section('Membership', membership === null ? undefined : html`<p>${membership}</p>`)}
${section('Apps, and what each would be told', opened(result))}
${section('What the identity provider said', claimed(result))}
<dl><dt>Request id, to find this test in the log</dt><dd><code>${requestId}</code></dd></dl>`, 'wide')
}
