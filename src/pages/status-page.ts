import { z } from 'zod'
import { html } from './html.ts'
import { layout } from './layout.ts'

const connectionStatus = z.object({
  id: z.string(),
  organization: z.string(),
  connector: z.string(),
  status: z.string(),
  client_secret_expires: z.string().nullable(),
  /** All that expires, with how urgent it is. */
  expires: z.array(z.object({
    what: z.string(),
    at: z.string(),
    days_left: z.number(),
    level: z.enum(['fine', 'soon', 'urgent', 'expired'])
  })),
  health: z.object({
    last_good: z.string().nullable(),
    last_error: z.string().nullable(),
    last_error_at: z.string().nullable()
  })
})

/** What `/status` shows: no secret, nothing of anybody's identity. A schema, since workers tell each other. */
export const statusSchema = z.object({
  version: z.string(),
  ready: z.boolean(),
  configuration: z.object({ version: z.string(), loaded_at: z.string() }),
  last_reload: z.object({ at: z.string(), result: z.enum(['success', 'failure']), problems: z.array(z.string()).readonly() }),
  websockets: z.number(),
  /** Where a store that had forgotten was brought back. */
  store_restored: z.object({ at: z.string(), result: z.enum(['complete', 'partial']) }).optional(),
  /** Each on its own, where there are several. */
  workers: z.array(z.object({ worker: z.number(), ready: z.boolean(), configuration: z.string(), websockets: z.number() })).optional(),
  connections: z.array(connectionStatus)
})

export type Status = Readonly<z.infer<typeof statusSchema>>

export type ConnectionStatus = Readonly<z.infer<typeof connectionStatus>>

const restorationLine = ({ store_restored: restored }: Status) => restored && html`<dt>Redis had forgotten</dt><dd>${restored.at}: ${
  restored.result === 'complete' ? 'everything was brought back' : html`<strong class="problem">not everything could be brought back</strong>`}</dd>
`

/** `/status` for people: what is in force, what a reload refused, and how each connection is. */
export const statusPage = (status: Status): string => layout('Status of Portico', html`<h1>Portico ${status.version}: ${status.ready ? 'ready' : 'not ready'}</h1>
<dl>
<dt>Configuration in force since</dt><dd>${status.configuration.loaded_at} <code>${status.configuration.version.slice(0, 12)}</code></dd>
<dt>Last reload</dt><dd>${status.last_reload.at}: ${status.last_reload.result}</dd>
<dt>Open WebSockets</dt><dd>${String(status.websockets)}</dd>
${restorationLine(status)}${status.workers?.map(({ worker, ready, configuration, websockets }) => html`<dt>Worker ${String(worker)}</dt><dd>${ready ? 'ready' : 'not ready'}, <code>${configuration.slice(0, 12)}</code>, ${String(websockets)} WebSockets</dd>
`)}</dl>
${status.last_reload.problems.map(problem => html`<p class="problem"><code>${problem}</code></p>`)}
<ul>${status.connections.map(({ id, organization, status, health, expires }) => html`<li>
<code>${id}</code> of ${organization}: ${status}
<div class="soft">${health.last_good === null ? 'provider not read yet' : `provider last read ${health.last_good}`}${health.last_error === null ? undefined : html`; last failure <code>${health.last_error}</code> at ${health.last_error_at ?? ''}`}</div>
${expires.map(({ what, at, days_left: left, level }) => html`<div class="${level === 'urgent' || level === 'expired' ? 'problem' : 'soft'}">${what.replaceAll('_', ' ')} ${level === 'expired' ? 'has expired' : `expires in ${left} days`} (${at.slice(0, 10)})</div>`)}
</li>`)}</ul>`)
