import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { definitions, type ErrorCode } from '../../src/errors.ts'
import { accountPage, newKeyPage, type Account, type AccountKey } from '../../src/pages/account-page.ts'
import { chooseMemberPage } from '../../src/pages/choose-member-page.ts'
import { emailPage } from '../../src/pages/email-page.ts'
import { endedPage } from '../../src/pages/ended-page.ts'
import { errorPage } from '../../src/pages/error-page.ts'
import { html } from '../../src/pages/html.ts'
import { contentSecurityPolicy, layout } from '../../src/pages/layout.ts'
import { replacePage } from '../../src/pages/replace-page.ts'
import { signedOutPage, signOutPage } from '../../src/pages/sign-out-page.ts'

const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'` </title></style>&lt;'

const account = (text: string): Omit<Account, 'api_keys'> => ({
  email: text,
  name: text,
  organization: text,
  connection: text,
  user: text,
  signed_in_at: text,
  apps: [{ id: text, name: text, url: text }],
  sessions: [false, true].map(current => ({ id: text, browser: current ? text : undefined, client: text, connection: text, signed_in_at: text, last_seen_at: text, current }))
})

const apiKey = (text: string): AccountKey =>
  ({ id: text, label: text, apps: [text], created_at: text, expires_at: text, last_used_at: text, state: 'active' })

const pages = (text: string): Record<string, string> => ({
  email: emailPage({ email: text, kept: new Map([[text, text]]), appName: text, isRefused: true, requestId: text }),
  error: errorPage({ code: 'PORTICO_GROUP_REQUIRED', requestId: text, signedInAs: text, appName: text, startAgain: text, otherAccount: text }),
  choose: chooseMemberPage({ email: text, candidates: [text, text], organization: text, action: text, handle: text }),
  replace: replacePage({ current: text, next: text, action: text, fields: new Map([[text, text]]), keep: text }),
  'sign-out': signOutPage({ email: text, returnTo: text }),
  account: accountPage({ ...account(text), api_keys: [apiKey(text), { ...apiKey(text), last_used_at: undefined, state: 'paused' }] }, { days: 90, mostDays: 365, longestLabel: 100 }),
  'account, signed in long ago': accountPage({ ...account(text), api_keys: [] }, undefined),
  'account without the store': accountPage({ ...account(text), sessions: undefined, api_keys: undefined }, undefined),
  ended: endedPage({ reason: 'concurrent', again: text }),
  'ended elsewhere': endedPage({ reason: 'elsewhere', again: text }),
  'new key': newKeyPage(text, apiKey(text))
})

/** Tags of a document, with the names of their attributes. */
const tagsOf = (document: string): string[] =>
  [...document.replace(/<style>[\s\S]*?<\/style>/, '').matchAll(/<(\/?[a-z!][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/gi)]
    .map(([, name = '', attributes = '']) => `${name} ${[...attributes.matchAll(/([a-z-]+)(?:="[^"]*")?/gi)].map(([, attribute]) => attribute).join(' ')}`)

t.test('V35 O19 html escapes what it is given, in text and in attributes', async t => {
  t.equal(html`<p title="${'"\'<>&'}">${'"\'<>&'}</p>`.markup, '<p title="&quot;&#39;&lt;&gt;&amp;">&quot;&#39;&lt;&gt;&amp;</p>')
  t.equal(html`a${undefined}b${[html`<i>`, html`${'<'}`]}c${1}`.markup, 'ab<i>&lt;c1')
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => !/[<>"']/.test(html`${text}`.markup)))
})

t.test('V35 no value changes what a page is made of', async t => {
  const harmless = pages('x')
  const hostile = pages(evil)
  for (const name of Object.keys(harmless)) {
    t.same(tagsOf(hostile[name] ?? ''), tagsOf(harmless[name] ?? ''), name)
    t.ok(tagsOf(harmless[name] ?? '').length > 10)
    t.notMatch(hostile[name], /<script|<img/)
  }
})

t.test('pages need nothing from elsewhere and run nothing', async t => {
  for (const [name, document] of Object.entries({ ...pages('x'), 'signed out': signedOutPage() })) {
    t.match(document, /^<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">/, name)
    t.match(document, /<title>[^<]+<\/title>/)
    t.match(document, /<h1>[^<]+<\/h1>/)
    t.notMatch(document, /<script|<link|\son[a-z]+=|\sstyle=|url\(|@import|https?:/, name)
    const style = /<style>([\s\S]*?)<\/style>/.exec(document)?.[1] ?? ''
    t.match(contentSecurityPolicy, `'sha256-${createHash('sha256').update(style).digest('base64')}'`, `the policy knows the style of ${name}`)
    t.match(style, /prefers-color-scheme: dark/)
  }
  t.match(contentSecurityPolicy, /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; frame-ancestors 'none'$/)
})

t.test('R33 every code has a page with what happened, the code and the request id', async t => {
  const texts = new Set<string>()
  const codes = Object.keys(definitions).filter((code): code is ErrorCode => Object.hasOwn(definitions, code))
  for (const code of codes) {
    const document = errorPage({ code, requestId: 'request-1' })
    t.match(document, `<code>${code}</code>`)
    t.match(document, '<code>request-1</code>')
    t.notMatch(document, /Try again<|Use another account/, 'no link where none is given')
    texts.add(document)
  }
  t.equal(texts.size, codes.length)
  t.match(errorPage({ code: 'PORTICO_ATTEMPT_LOST', requestId: 'x', startAgain: '/again?a=1&b=2', otherAccount: '/other' }), /href="\/again\?a=1&amp;b=2">Try again<[\s\S]*href="\/other">Use another account</)
})

t.test('R18 the e-mail page is usable without scripts, and by those who do not see it', async t => {
  const asked = emailPage({ email: 'a@b.example', kept: new Map([['app', 'x']]), appName: 'Analytics', isRefused: false, requestId: 'x' })
  t.match(asked, /<label for="email">[^<]+<\/label>\n<input id="email" name="email" type="email"[^>]* autocomplete="email"[^>]* value="a@b.example" required autofocus>/)
  t.match(asked, /<form method="get" action="\/login">\n<input type="hidden" name="app" value="x">/)
  t.match(asked, /<h1>Sign in to Analytics<\/h1>/)
  t.notMatch(asked, /PORTICO_|role="alert"/)
  const refused = emailPage({ email: 'a@b.example', kept: new Map(), appName: undefined, isRefused: true, requestId: 'request-1' })
  t.match(refused, /<p [^>]*id="problem" role="alert">[\s\S]*PORTICO_NO_CONNECTION[\s\S]*request-1/)
  t.match(refused, /aria-invalid="true" aria-describedby="problem"/)
  t.match(refused, /resets it if it is forgotten/)
})

t.test('layout escapes its title', async t => {
  t.match(layout('</title><script>', html``), '<title>&lt;/title&gt;&lt;script&gt;</title>')
})
