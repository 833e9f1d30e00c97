import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { createSessionRecords, type SessionRecords } from '../../src/sessions/records.ts'
import type { Session } from '../../src/sessions/session.ts'
import type { Store } from '../../src/store/store.ts'
import { configurationOf, createWorld, type World } from './world.ts'

/** A store as far away as Redis is: whatever is asked of it, others ask meanwhile. */
const distant = (store: Store): Store => new Proxy(store, {
  get (target, name: keyof Store) {
    const method: unknown = target[name]
    return typeof method !== 'function'
      ? method
      : async (...parameters: unknown[]): Promise<unknown> => {
        await wait(Math.random() * 10)
        const answer: unknown = await method.apply(target, parameters)
        await wait(Math.random() * 10)
        return answer
      }
  }
})

const recordsOf = ({ store, sessions, clock }: World, concurrent: number): SessionRecords => {
  const configuration = configurationOf()
  return createSessionRecords({
    store: distant(store), sessions, configuration: () => ({ ...configuration, session: { ...configuration.session, concurrent } }), audit: { sessionEnded: () => {} }, now: () => clock.now
  })
}

const from = { userAgent: undefined, client: '127.0.0.1' }

t.test('product flow 6: however many sign-ins finish at once, wherever, as many stay as are allowed, and never none', async t => {
  const world = await createWorld(t)
  const other = await world.beside()
  for (const most of [1, 2]) {
    const [here, there] = [recordsOf(world, most), recordsOf(other, most)]
    for (let round = 0; round < 5; round++) {
      world.clock.now += 2
      const begun: Session[] = Array.from({ length: 5 }, () => world.session())
      await Promise.all(begun.map(async (session, i) => await (i % 2 === 0 ? here : there).begin(session, from)))
      t.equal((await here.of('mbr_ada')).length, most, `${most}, round ${round}`)
    }
  }
})

t.test('product flow 6: nobody waits for long for a process that has died in the midst of it', async t => {
  const world = await createWorld(t)
  const records = recordsOf(world, 1)
  const dead = { ...world, store: new Proxy(world.store, { get: (target, name: keyof Store) => name === 'sessionsOf' ? () => new Promise(() => {}) : target[name] }) }
  recordsOf(dead, 1).begin(world.session(), from).catch(() => {})
  await wait(100)
  const session = world.session()
  await records.begin(session, from)
  t.notOk(world.sessions.isRevoked(session))
  t.same((await records.of('mbr_ada')).map(({ sid }) => sid), [session.sid])
})
