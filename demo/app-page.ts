import type { Verdict } from './assertion.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { AppPlace } from './places.ts'

export interface AppRequest {
  readonly method: string
  readonly target: string
  /** Name, value, name, value … as received. */
  readonly headers: readonly string[]
}

const shorten = (value: string): string => value.length > 160 ? `${value.slice(0, 120)} … (${value.length} characters)` : value

const decode = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** The page of a small app: who is there, by what it was told, and whether what it was told is signed. */
export const appPage = (app: AppPlace, others: readonly AppPlace[], { method, target, headers }: AppRequest, verdict: Verdict): string => {
  const pairs = headers.flatMap((name, i) => i % 2 === 0 ? [{ name, value: headers[i + 1] ?? '' }] : [])
  const header = (wanted: string): string => decode(pairs.find(({ name }) => name.toLowerCase() === wanted)?.value ?? '')
  const name = header('x-auth-name') || header('x-auth-email')
  const rows = (list: typeof pairs) => html`<table>${list.map(pair => html`<tr><th>${pair.name}</th><td>${shorten(pair.value)}</td></tr>`)}</table>`
  const ours = ({ name }: { name: string }): boolean => /^x-auth-/i.test(name)

  return page({
    title: app.name,
    colour: app.colour,
    bar: html`<strong>${app.name}</strong><nav>${others.map(other => html`<a href="${other.origin}/">${other.name}</a> `)}<a href="/.portico/logout" id="sign-out">Sign out</a></nav>`,
    main: html`<section>
<h1 id="who">${name === '' ? 'Nobody is signed in' : `Hello, ${name}`}</h1>
<p id="email">${header('x-auth-email')}</p>
<p class="quiet">${header('x-auth-organization') === '' ? '' : `of ${header('x-auth-organization')}, by ${header('x-auth-connection')}`}${header('x-auth-new-user') === 'true' ? ' · here for the first time' : ''}</p>
<p class="quiet" id="request">${method} ${target}</p>
</section>
<section>
<h2>Is it true? The signed assertion</h2>
<ul class="checks" id="checks">${verdict.checks.map(check => html`<li class="${check.ok ? 'yes' : 'no'}">${check.what}</li>`)}</ul>
</section>
<section>
<h2>What Portico told this app</h2>
${rows(pairs.filter(ours))}
</section>
${verdict.claims === undefined
? ''
: html`<section>
<h2>What the assertion says</h2>
${rows(Object.entries(verdict.claims).map(([name, value]) => ({ name, value: typeof value === 'string' ? value : JSON.stringify(value) })))}
</section>`}
<section>
<h2>The other headers of this request</h2>
${rows(pairs.filter(pair => !ours(pair)))}
</section>`
  })
}
