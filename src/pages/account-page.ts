import { html, type Html } from './html.ts'
import { layout } from './layout.ts'

/** What a person may read of one of their API keys; never the key. */
export interface AccountKey {
  readonly id: string
  readonly label: string
  /** App ids. */
  readonly apps: readonly string[]
  /** ISO 8601, as all times here. */
  readonly created_at: string
  readonly expires_at: string
  readonly last_used_at: string | undefined
  /** `ended`: its owner may not sign in at the moment. */
  readonly state: 'active' | 'expired' | 'paused' | 'ended'
}

/** One of a person's sessions, as they recognize it. */
export interface AccountSession {
  /** What it is named by to end it; no id of a session. */
  readonly id: string
  /** `Firefox on Linux` */
  readonly browser: string | undefined
  /** The address that it was signed in from. */
  readonly client: string
  readonly connection: string
  readonly signed_in_at: string
  readonly last_seen_at: string
  /** It is the one that asks. */
  readonly current: boolean
}

/** All that a person may read of their own session: no token, no id of a session (behaviours.md V3). */
export interface Account {
  readonly email: string
  readonly name: string | undefined
  readonly organization: string
  readonly connection: string
  readonly user: string
  /** ISO 8601. */
  readonly signed_in_at: string
  readonly apps: readonly { readonly id: string, readonly name: string, readonly url: string }[]
  /** Newest first; undefined while the store does not say. */
  readonly sessions: readonly AccountSession[] | undefined
  /** Oldest first; undefined while the store does not say. */
  readonly api_keys: readonly AccountKey[] | undefined
}

/** What the form that makes a key may be filled in with; undefined where the person must sign in again first. */
export type KeyForm = { readonly days: number, readonly mostDays: number, readonly longestLabel: number } | undefined

/** Where a person signs in once more. */
export const signInAgainPath = '/account/sign-in'

const day = (time: string): Html => html`<time datetime="${time}">${time.slice(0, 10)}</time>`

const states: Readonly<Record<AccountKey['state'], string>> = {
  active: '', expired: ' · expired', paused: ' · paused until you sign in again', ended: ' · does not work at the moment'
}

const keyItem = ({ id, label, apps, created_at: created, expires_at: expires, last_used_at: used, state }: AccountKey): Html => html`<li>
<strong>${label}</strong>${states[state]}<br>
<span class="soft">${apps.join(', ')} · made ${day(created)} · ${state === 'expired' ? 'expired' : 'expires'} ${day(expires)} · ${used === undefined ? 'never used' : html`last used ${day(used)}`} · <code>${id}</code></span>
<form method="post" action="/account/keys/revoke"><input type="hidden" name="id" value="${id}"><button type="submit">Revoke ${label}</button></form>
</li>`

const makingForm = ({ apps }: Account, { days, mostDays, longestLabel }: NonNullable<KeyForm>): Html => html`<form method="post" action="/account/keys">
<label for="label">What it is for</label>
<input id="label" name="label" required maxlength="${longestLabel}" autocomplete="off" placeholder="nightly export">
<fieldset><legend>Apps that it opens</legend>
${apps.map(({ id, name }) => html`<label><input type="checkbox" name="app" value="${id}"> ${name}</label>`)}
</fieldset>
<label for="days">Days until it expires</label>
<input id="days" name="days" type="number" required min="1" max="${mostDays}" value="${days}">
<button type="submit">Make an API key</button>
</form>`

const keysSection = (account: Account, form: KeyForm): Html => {
  const { api_keys: keys } = account
  if (keys === undefined) return html`<p>Your API keys cannot be shown right now. Try again in a moment.</p>`
  return html`<p>For programs that call your apps as you. Whoever has a key can do what you can do there.</p>
${keys.length === 0 ? html`<p class="soft">You have none.</p>` : html`<ul>${keys.map(keyItem)}</ul>`}
${form === undefined
    ? html`<p><a href="${signInAgainPath}">Sign in again to make an API key</a></p>`
    : makingForm(account, form)}`
}

const minute = (time: string): Html => html`<time datetime="${time}">${time.slice(0, 16).replace('T', ' ')} UTC</time>`

const sessionItem = ({ id, browser = 'An unknown browser', client, connection, signed_in_at: since, last_seen_at: seen, current }: AccountSession): Html => html`<li>
<strong>${browser}</strong>${current ? ' · this browser' : undefined}<br>
<span class="soft">from ${client} · through ${connection} · signed in ${minute(since)} · last seen ${minute(seen)}</span>
${current ? undefined : html`<form method="post" action="/account/sessions/end"><input type="hidden" name="id" value="${id}"><button type="submit">Sign out there</button></form>`}
</li>`

const sessionsSection = ({ sessions }: Account): Html => sessions === undefined
  ? html`<p>The places where you are signed in cannot be shown right now. Try again in a moment.</p>`
  : html`<ul>${sessions.map(sessionItem)}</ul>
<p class="soft">Signing out there ends it in every app of that browser, within a second. If one of them is not you, also tell whoever looks after your company's sign-in.</p>`

/** Who am I, where can I go, and which API keys do I have. */
export const accountPage = (account: Account, form: KeyForm): string => layout('Your account', html`<h1>${account.name ?? account.email}</h1>
<dl>
<dt>E-mail</dt><dd>${account.email}</dd>
<dt>Organization</dt><dd>${account.organization}</dd>
<dt>Signed in through</dt><dd>${account.connection}, <time datetime="${account.signed_in_at}">${account.signed_in_at}</time></dd>
<dt>Your id for apps</dt><dd><code>${account.user}</code></dd>
</dl>
<p>Your apps</p>
<ul>${account.apps.map(({ name, url }) => html`<li><a href="${url}">${name}</a></li>`)}</ul>
<form method="post" action="/logout"><button type="submit">Sign out everywhere</button></form>
<h2>Where you are signed in</h2>
${sessionsSection(account)}
<h2>API keys</h2>
${keysSection(account, form)}`)

/** A new key, which nobody sees again. */
export const newKeyPage = (key: string, { label, apps, expires_at: expires }: AccountKey): string => layout('Your API key', html`<h1>Your API key</h1>
<p>Copy it now. It is not shown again, and nobody can look it up.</p>
<pre><code>${key}</code></pre>
<dl>
<dt>What it is for</dt><dd>${label}</dd>
<dt>Apps that it opens</dt><dd>${apps.join(', ')}</dd>
<dt>Expires</dt><dd>${day(expires)}</dd>
</dl>
<p>A program sends it as <code>Authorization: Bearer …</code> or <code>X-API-Key: …</code></p>
<a class="button" href="/account">Done</a>`)
