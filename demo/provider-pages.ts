import type { ServerResponse } from 'node:http'
import type { Account, Company } from './companies.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { AppPlace } from './places.ts'

const bar = (company: Company) => html`<strong>${company.name}</strong> <span>identity provider</span>`

/** Answers with a page that is never kept. */
export const sendPage = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }).end(text)
}

/** The sign-in form of a company's own provider, sent to `action`; `hint` is the address to put into it. */
export const signInPage = (company: Company, { action, hint, problem }: { action: string, hint: string, problem?: string }): string => page({
  title: `Sign in · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section>
<h1>Sign in to ${company.name}</h1>
<p class="quiet">This page belongs to ${company.name}, not to Portico.</p>
${problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="${action}">
<label>E-mail <input name="login" type="email" autocomplete="username" required value="${hint}"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" value="any will do"></label>
<button class="main" name="answer" value="sign-in">Sign in</button>
</form>
</section>
<section>
<h2>Who is here</h2>
${company.accounts.map(({ email, name, remark }) => html`<p>${email} <small>${name}${remark === undefined ? '' : ` · ${remark}`}</small></p>`)}
<form method="post" action="${action}"><p><button class="plain" name="answer" value="cancel">Cancel and go back</button></p></form>
</section>`
})

/** What somebody who is signed in finds at a company's own provider: a tile for every app, and the way out. */
export const tilesPage = (company: Company, { account, apps, path }: { account: Account, apps: readonly AppPlace[], path: string }): string => page({
  title: `Apps · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section>
<h1>Your apps</h1>
<p class="quiet">Signed in to ${company.name} as ${account.name}, ${account.email}</p>
<form method="post" action="${path}/open">
${apps.map(app => html`<button class="main" name="app" value="${app.origin}/">${app.name}</button>`)}
</form>
</section>
<section>
<form method="post" action="${path}/sign-out"><button class="plain" name="answer" value="sign-out">Sign out of ${company.name} and all its apps</button></form>
</section>`
})

/** A form that sends itself on to another site: how the POST binding of SAML carries a message. Without scripts a person presses the button. */
export const postPage = (company: Company, { action, fields }: { action: string, fields: Readonly<Record<string, string>> }): string => page({
  title: `One moment · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section>
<form method="post" action="${action}">
${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button class="main">Go on</button>
</form>
</section>
<script>document.forms[0].submit()</script>`
})

/** Asks whoever was sent here to sign out. `form` is the provider's own, without buttons. */
export const signOutPage = (company: Company, form: string): string => page({
  title: `Sign out · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section>
<h1>Sign out of ${company.name} too?</h1>
<p class="quiet">This page belongs to ${company.name}, not to Portico.</p>
${{ html: form }}
<button class="main" form="op.logoutForm" name="logout" value="yes">Sign out of ${company.name}</button>
<p><button class="plain" form="op.logoutForm">Stay signed in here</button></p>
</section>`
})

/** A page for when the sign-out is done. */
export const signedOutPage = (company: Company, path: string): string => page({
  title: `Signed out · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section><h1>Signed out of ${company.name}</h1><p><a href="${path}/">Sign in again</a></p></section>`
})

/** A page for when something went wrong at the provider. */
export const problemPage = (company: Company, problem: string): string => page({
  title: `Not signed in · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section><h1>${company.name} could not sign you in</h1><p>${problem}</p></section>`
})
