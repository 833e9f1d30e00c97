import { html } from './html.ts'
import { layout } from './layout.ts'

/** What `/status` shows: no secret, nothing of anybody's identity. */
export interface Status {
  readonly version: string
  readonly ready: boolean
  readonly configuration: { readonly version: string, readonly loaded_at: string }
  readonly last_reload: { readonly at: string, readonly result: 'success' | 'failure', readonly problems: readonly string[] }
  readonly websockets: number
  readonly connections: readonly ConnectionStatus[]
}

export interface ConnectionStatus {
  readonly id: string
  readonly organization: string
  readonly connector: string
  readonly status: string
  readonly client_secret_expires: string | null
  /** All that expires, with how urgent it is. */
  readonly expires: readonly {
    readonly what: string
    readonly at: string
    readonly days_left: number
    readonly level: 'fine' | 'soon' | 'urgent' | 'expired'
  }[]
  readonly health: {
    readonly last_good: string | null
    readonly last_error: string | null
    readonly last_error_at: string | null
  }
}

/** `/status` for people: what is in force, what a reload refused, and how each connection is. */
export const statusPage = (status: Status): string => layout('Status of Portico', html`<h1>Portico ${status.version}: ${status.ready ? 'ready' : 'not ready'}</h1>
<dl>
<dt>Configuration in force since</dt><dd>${status.configuration.loaded_at} <code>${status.configuration.version.slice(0, 12)}</code></dd>
<dt>Last reload</dt><dd>${status.last_reload.at}: ${status.last_reload.result}</dd>
<dt>Open WebSockets</dt><dd>${String(status.websockets)}</dd>
</dl>
${status.last_reload.problems.map(problem => html`<p class="problem"><code>${problem}</code></p>`)}
<ul>${status.connections.map(({ id, organization, status, health, expires }) => html`<li>
<code>${id}</code> of ${organization}: ${status}
<div class="soft">${health.last_good === null ? 'provider not read yet' : `provider last read ${health.last_good}`}${health.last_error === null ? undefined : html`; last failure <code>${health.last_error}</code> at ${health.last_error_at ?? ''}`}</div>
${expires.map(({ what, at, days_left: left, level }) => html`<div class="${level === 'urgent' || level === 'expired' ? 'problem' : 'soft'}">${what.replaceAll('_', ' ')} ${level === 'expired' ? 'has expired' : `expires in ${left} days`} (${at.slice(0, 10)})</div>`)}
</li>`)}</ul>`)
