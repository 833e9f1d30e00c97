import t from 'tap'
import { origins } from '../support/gateway.ts'
import { call, callerOf, enter, isThere, type Caller } from '../support/many/crowd.ts'
import { outage, signedIn, untilTurnedAway } from '../support/many/scenarios.ts'
import { inTurn, startMany } from '../support/many/world.ts'
import { noRedis, startRedis } from '../support/redis.ts'

t.test('instances outlive their Redis', { skip: noRedis }, async t => {
  const redis = await startRedis(t, { isPersistent: true })
  const many = await startMany(t, { instances: 3, store: `{ kind: redis, url: "${redis.url}" }` })
  const ports = many.instances.map(({ port }) => port)

  // each signed in at one instance, and never seen by the others before Redis is away
  const callers: Caller[] = []
  for (const [index, port] of ports.entries()) callers.push(callerOf(await signedIn(many, () => port, `big${index}`), `big${index}`))
  for (const login of ['big0', 'big1']) {
    const key = await many.command('api-keys', 'create', '--email', `${login}@acme.com`, '--app', 'analytics')
    callers.push({ name: `key of ${login}`, headers: { authorization: `Bearer ${/ptk_\S+/.exec(key)?.[0] ?? ''}` }, expected: `"email":"${login}@acme.com"` })
  }

  for (const how of ['hung', 'killed'] as const) {
    await t.test(`Redis ${how}: who is signed in goes on everywhere, a sign-out counts, and others get in when it is back`, async t => {
      const login = how === 'hung' ? 'big4' : 'p4'
      const leaver = { login, browser: await signedIn(many, inTurn(ports), login) }
      const result = await outage(many, { redis, how, seconds: 3, callers, leaver, newcomers: ['p70', 'p71', 'p72'] })
      t.ok(result.requests > 50)
      t.same({ failures: result.failures, deadEnds: result.newcomers.deadEnds }, { failures: [], deadEnds: [] })
      t.same(result.metByNewcomers, ['PORTICO_STORE_UNAVAILABLE'])
      t.equal(result.newcomers.waited, 3, 'the page tried again by itself')
    })
  }

  await t.test('Redis comes back empty: it is filled again before anybody is let in', async t => {
    const gone = await signedIn(many, inTurn(ports), 'p5')
    const ended = callerOf(gone, 'p5')
    await gone.open(`${origins.auth}/logout`, { method: 'POST', body: new URLSearchParams(), headers: { origin: origins.auth } })
    await untilTurnedAway(ended, ports, 1_000)
    await redis.kill()
    const during = await Promise.all(callers.flatMap(caller => ports.map(async port => await call(caller, port))))
    t.same(during.filter(failure => failure !== undefined), [])
    await redis.start({ isEmpty: true })
    const page = `${origins.analytics}/reports/big0`
    const again = await enter(many.browser(inTurn(ports)), page, 'big0')
    t.ok(isThere(again, page, 'big0'), again.met.join(', '))
    for (const port of ports) {
      for (const caller of callers) t.equal(await call(caller, port), undefined)
      t.match(await call(ended, port), /HTTP 401/, 'who was signed out stays so')
    }
    // an instance that was not there knows what the others knew
    const [first] = many.instances
    await first?.kill()
    await first?.start()
    for (const caller of callers) t.equal(await call(caller, ports[0] ?? 0), undefined)
    t.match(await call(ended, ports[0] ?? 0), /HTTP 401/)
  })
})
