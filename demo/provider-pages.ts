import type { Company } from './companies.ts'
import { html } from './html.ts'
import { page } from './page.ts'

const bar = (company: Company) => html`<strong>${company.name}</strong> <span>identity provider</span>`

/** The sign-in form of a company's own provider; `hint` is the address to put into it. */
export const signInPage = (company: Company, { uid, hint, problem }: { uid: string, hint: string, problem?: string }): string => page({
  title: `Sign in · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section>
<h1>Sign in to ${company.name}</h1>
<p class="quiet">This page belongs to ${company.name}, not to Portico.</p>
${problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="/${company.id}/interaction/${uid}">
<label>E-mail <input name="login" type="email" autocomplete="username" required value="${hint}"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" value="any will do"></label>
<button class="main" name="answer" value="sign-in">Sign in</button>
</form>
</section>
<section>
<h2>Who is here</h2>
${company.accounts.map(({ email, name, remark }) => html`<p>${email} <small>${name}${remark === undefined ? '' : ` · ${remark}`}</small></p>`)}
<form method="post" action="/${company.id}/interaction/${uid}"><p><button class="plain" name="answer" value="cancel">Cancel and go back</button></p></form>
</section>`
})

/** A page for when something went wrong at the provider. */
export const problemPage = (company: Company, problem: string): string => page({
  title: `Not signed in · ${company.name}`,
  colour: company.colour,
  narrow: true,
  bar: bar(company),
  main: html`<section><h1>${company.name} could not sign you in</h1><p>${problem}</p></section>`
})
