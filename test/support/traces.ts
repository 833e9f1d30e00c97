import type { Test } from 'tap'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Answer } from './browser.ts'
import { origins, type World } from './gateway.ts'

/** What of this world is recorded about anybody, and what apps have seen. */
export const traces = async (world: Pick<World, 'configuration' | 'received' | 'lines'>) => {
  const store = createSqliteStore({ path: world.configuration.store.path })
  const members = await store.listMembers({ limit: 100 })
  const { revocations } = await store.changesSince('')
  await store.close()
  return { members, revocations, received: world.received.length, signIns: world.lines.filter(({ event }) => event === 'sign_in').length }
}

/** A page that leads nowhere by itself, sets nothing, and holds nothing that could sign anybody in: no JWT, no assertion, in base64 or not. */
export const isInert = (t: Test, answer: Answer): void => {
  t.notOk(answer.location, 'goes nowhere')
  t.notMatch(answer.text, /eyJ|<script|http-equiv|PHNhbWxw|<saml/, 'nothing signed, nothing that runs')
  for (const line of answer.setCookies) t.match(line, /^__Host-portico-attempt-[\w-]+=; Max-Age=0/, 'no cookie but the end of its own')
  t.match(answer.headers.get('cache-control'), 'no-store')
}

/** The hosts of those that people of most tests have cookies of. */
export const everywhere = ['auth.localhost', 'portal.localhost', 'analytics.localhost']

/** On which hosts these cookies, by origin, still sign anybody in. */
export const liveOf = async (world: Pick<World, 'browser'>, cookies: Readonly<Record<string, string>>): Promise<string[]> => {
  const live: string[] = []
  for (const [origin, cookie] of Object.entries(cookies)) {
    const answer = await world.browser().send(`${origin}${origin === origins.auth ? '/account' : '/x'}`, { mode: 'cors', headers: { cookie, accept: 'application/json' } })
    if (answer.status === 200) live.push(new URL(origin).hostname)
  }
  return live
}
