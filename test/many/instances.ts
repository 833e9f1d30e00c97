import type { Test } from 'tap'
import { origins } from '../support/gateway.ts'
import { call, callerOf } from '../support/many/crowd.ts'
import { noNginx, startNginx } from '../support/many/nginx.ts'
import { killing, signedIn, untilTurnedAway } from '../support/many/scenarios.ts'
import { inTurn, startMany } from '../support/many/world.ts'

/** What instances that share a store must do. `store` is the setting, in YAML. */
export const instancesAsOne = async (t: Test, store: string): Promise<void> => {
  const many = await startMany(t, { instances: 3, store })
  const ports = many.instances.map(({ port }) => port)

  await t.test('a sign-in begins on one, returns to another, and is redeemed on a third', async t => {
    for (let first = 0; first < 3; first++) {
      const browser = await signedIn(many, inTurn([...ports.slice(first), ...ports.slice(0, first)]), `p${first}`)
      for (const port of ports) t.equal(await call(callerOf(browser, `p${first}`), port), undefined)
    }
    const big = await signedIn(many, inTurn(ports), 'big0')
    for (const port of ports) t.equal(await call(callerOf(big, 'big0'), port), undefined, '300 groups, everywhere')
  })

  await t.test('who signs out on one is turned away by all within a second', async () => {
    const browser = await signedIn(many, inTurn(ports), 'p3')
    const caller = callerOf(browser, 'p3')
    await browser.open(`${origins.auth}/logout`, { method: 'POST', body: new URLSearchParams(), headers: { origin: origins.auth } })
    await untilTurnedAway(caller, ports, 1_000)
  })

  await t.test('killed in the middle of sign-ins and traffic: nobody is signed out, and no sign-in ends in a dead end', { skip: noNginx }, async t => {
    const { port } = await startNginx(t, ports)
    const logins = ['p10', 'big10', 'p11', 'big11']
    const callers = []
    for (const login of logins) callers.push(callerOf(await signedIn(many, () => port, login), login))
    const result = await killing(many, { port, callers, logins: Array.from({ length: 36 }, (_, i) => `p${20 + i}`), width: 9, victims: many.instances.slice(0, 2) })
    t.comment(result)
    t.ok(result.requests > 100)
    t.same({ failures: result.failures, deadEnds: result.deadEnds }, { failures: [], deadEnds: [] })
  })
}
