import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import t from 'tap'
import type { AppPlace } from '../../src/config/configuration.ts'
import { longestTarget, pageAt, placeOfUrl, returnTarget } from '../../src/login/return-target.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import { ask } from '../proxy/harness.ts'
import { send } from '../support/browser.ts'
import { callbackOf, origins, startGateway, type World } from '../support/gateway.ts'
import { writeConfiguration } from '../support/signed-in.ts'

// thousands of requests, on a machine that may be busy
t.setTimeout(120_000)

const agent = new Agent({ keepAlive: true, maxSockets: 16 })
t.teardown(() => agent.destroy())

const linesOf = (name: string): string[] => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
  .split('\n').filter(line => line !== '' && !line.startsWith('# '))

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return unescape(text)
  }
}

/** Every payload of behaviours.md section 1 and its relatives, raw and after one more decode. */
const payloads = [...new Set(linesOf('return-targets.txt').flatMap(line => [line, decoded(line)]))]
const deepLinks = linesOf('deep-links.txt')

const appOrigins: ReadonlySet<string> = new Set([origins.analytics, origins.dashboardUs, origins.dashboardEu, origins.portal])

/** The oracle of section 1: why this Location is wrong, or undefined. */
const fault = (raw: string | null | undefined, requestUrl: string | URL, allowed: ReadonlySet<string> = appOrigins): string | undefined => {
  if (raw === null || raw === undefined) return 'no Location'
  if (/[\r\n\0]/.test(raw)) return `a line break in ${JSON.stringify(raw)}`
  const url = URL.parse(raw, String(requestUrl))
  if (url === null) return `unreadable: ${raw}`
  if (url.protocol !== 'http:') return `scheme ${url.protocol}`
  if (url.username !== '' || url.password !== '') return `credentials in ${raw}`
  if (!/^https?:\/\//.test(raw)) return `relative: ${raw}`
  return allowed.has(url.origin) ? undefined : `leads to ${url.origin}`
}

/** Runs so many at a time, and answers with what was wrong. */
const faultsOf = async (values: readonly string[], judge: (value: string) => Promise<string | undefined>): Promise<string[]> => {
  const faults: string[] = []
  const waiting = [...values]
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let value = waiting.shift(); value !== undefined; value = waiting.shift()) {
      const found = await judge(value).catch((error: unknown) => `failed: ${String(error)}`)
      if (found !== undefined) faults.push(`${JSON.stringify(value.slice(0, 80))}: ${found}`)
    }
  }))
  return faults
}

t.test('section 1: the function', async t => {
  const { configuration, remove } = await writeConfiguration({ portal: 'http://127.0.0.1:9', analytics: 'http://127.0.0.1:9' })
  t.teardown(remove)
  const found = configuration.places.get('portal.localhost')
  if (found === undefined) throw new Error('no portal')
  const place: AppPlace = found

  t.ok(payloads.length > 600, `${payloads.length} payloads`)
  t.same(payloads.flatMap(text => {
    const target = returnTarget(text, place)
    return target === undefined ? [] : [fault(target, origins.auth, new Set([place.origin])) ?? []].flat()
  }), [], 'N5 whatever comes out is absolute and at the app')

  t.same(payloads.filter(text => returnTarget(text, place) !== undefined && URL.parse(text, place.origin)?.origin !== place.origin), [], 'and went in as an address of the app')

  t.same(deepLinks.filter(link => returnTarget(link, place) !== new URL(link, place.origin).href), [], 'deep links are kept, however odd they look')

  const https: AppPlace = { ...place, origin: 'https://portal.example', host: 'portal.example' }
  for (const [text, wanted] of [
    ['', undefined], ['/redirect', 'https://portal.example/redirect'], ['//redirect', undefined],
    ['https://portal.example/x', 'https://portal.example/x'], ['http://portal.example/x', undefined], ['https://portal.example:443/x', 'https://portal.example/x'],
    ['https://portal.example:8443/x', undefined], ['https://baz.portal.example/x', undefined], ['https://portal.example.evil.example/x', undefined],
    ['https://evil.example/x?rd=portal.example', undefined], ['portal.example/x', undefined], ['https:portal.example', undefined], ['https:google.com', undefined],
    [`/${'x'.repeat(longestTarget)}`, undefined], [`/${'日'.repeat(300)}`, undefined]
  ] as const) t.equal(returnTarget(text, https), wanted, text.slice(0, 60))

  t.equal(placeOfUrl(configuration, 'http://analytics.localhost:8080/x')?.place.app.id, 'analytics')
  t.equal(placeOfUrl(configuration, '/x'), undefined, 'a path names no app')
  t.same(payloads.filter(text => {
    const named = placeOfUrl(configuration, text)
    return named !== undefined && fault(named.page, origins.auth, new Set([named.place.origin])) !== undefined
  }), [])

  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.stringMatching(/^[/\\.:@?#;%a-f0-9\t\r\n ]*$/)), text => {
    const target = returnTarget(text, place)
    return target === undefined || fault(target, origins.auth, new Set([place.origin])) === undefined
  }), { numRuns: 5_000 })
  fc.assert(fc.property(fc.string({ unit: 'binary' }).map(text => `/${text.replaceAll(/[\u0000-\u0020#\u007f\u0100-\uffff]/g, '')}`), target => // eslint-disable-line no-control-regex
    fault(pageAt(place, target), origins.auth, new Set([place.origin])) === undefined), { numRuns: 5_000 })
})

/** The whole way from an address to where the browser ends, as whoever is signed in at the auth host. */
const walker = async (world: World) => {
  const signedIn = world.browser()
  await world.signIn(signedIn, `${origins.portal}/x`)
  const session = signedIn.jar.header(new URL(origins.auth)) ?? ''
  const connect = { port: world.port }

  /** What is wrong with the way from here; each host gets the cookies that it set on the way, and the auth host its session. */
  return async (first: string, { cookie: ownCookie, hops: most = 12 }: { cookie?: string, hops?: number } = {}): Promise<string | undefined> => {
    const set = new Map<string, string>([['auth.localhost', session]])
    let url = new URL(first)
    let cookie = ownCookie
    for (let hops = 0; hops < most; hops++) {
      const answer = await send(url, { agent, connect, headers: { cookie: cookie ?? set.get(url.hostname) } })
      cookie = undefined
      if (answer.status >= 500) return `HTTP ${answer.status} of ${url.pathname}`
      if (answer.status < 300 || answer.status >= 400) return undefined
      const raw = answer.headers.get('location')
      const wrong = fault(raw, url, new Set([...appOrigins, origins.auth]))
      if (wrong !== undefined) return `${url.pathname}: ${wrong}`
      const carried = new URL(raw ?? '').searchParams.get('return_to')
      const wrongly = carried === null ? undefined : fault(carried, url)
      if (wrongly !== undefined) return `${url.pathname}, carried on: ${wrongly}`
      const fresh = answer.setCookies.filter(line => !line.includes('Max-Age=0')).map(line => line.split(';')[0])
      set.set(url.hostname, [...url.hostname === 'auth.localhost' ? [session] : [], ...fresh].join('; '))
      url = new URL(raw ?? '', url)
      if (appOrigins.has(url.origin) && !url.pathname.startsWith('/.portico/')) return undefined
    }
    return most < 12 ? undefined : 'no end'
  }
}

t.test('section 1: over the running gateway', { timeout: 120_000 }, async t => {
  const world = await startGateway(t)
  const walk = await walker(world)
  const connect = { port: world.port }
  const sealer = await createSealer(world.configuration.keys)
  const iat = Math.floor(Date.now() / 1_000)
  const sane = payloads.filter(text => text.length < 2_000)
  /** For what takes several requests each. */
  const some = sane.filter((_, index) => index % 3 === 0)

  for (const [name, link, hops] of [
    ['return_to of /login', (text: string) => `${origins.auth}/login?${new URLSearchParams({ app: 'portal', return_to: text })}`, 12],
    ['return_to of /login without an app', (text: string) => `${origins.auth}/login?${new URLSearchParams({ return_to: text })}`, 1],
    ['return_to of /login/{connection}', (text: string) => `${origins.auth}/login/acme_oidc?${new URLSearchParams({ app: 'portal', return_to: text })}`, 1],
    ['O18 target_link_uri', (text: string) => `${origins.auth}/login/acme_oidc?${new URLSearchParams({ app: 'portal', target_link_uri: text })}`, 1],
    ['return_to of /.portico/begin', (text: string) => `${origins.portal}/.portico/begin?${new URLSearchParams({ return_to: text })}`, 3],
    ['return_to of /.portico/ticket', (text: string) => `${origins.portal}/.portico/ticket?${new URLSearchParams({ ticket: 'x', begin: 'y', return_to: text })}`, 1]
  ] as const) {
    await t.test(`N5 V7 V22 V29 V30 ${name}`, async t => {
      t.same(await faultsOf(hops > 1 ? some : sane, async text => await walk(link(text), { hops })), [])
    })
  }

  await t.test('N5 the original path and query', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    const session = browser.jar.header(new URL(origins.auth))
    /** Where the hand-off of this sealed request ends, for a browser with this begin cookie. */
    const finish = async (request: string, begin: string): Promise<string | null> => {
      const login = await send(request, { agent, connect, headers: { cookie: session } })
      const ticket = await send(login.location ?? '', { agent, connect, headers: { cookie: begin } })
      return ticket.headers.get('location')
    }
    const paths = sane.filter(text => text.startsWith('/') && !text.startsWith('/.portico/') && !/[^\u0021-\u0022\u0024-\u007e]/.test(text))
    t.ok(paths.length > 200, `${paths.length} paths`)
    const ends: string[] = []
    t.same(await faultsOf([...paths, ...paths.filter((_, index) => index % 4 === 0).map(path => `/x?next=${path}`)], async target => {
      const raw = await ask(world.port, `GET ${target}`, ['Host: portal.localhost:8080', 'Accept: text/html'])
      if (/^HTTP\/1\.1 404/.test(raw)) return /portico/i.test(decoded(decoded(target))) ? undefined : 'not found'
      const location = /^location: (.*)\r$/im.exec(raw)?.[1]
      const wrong = fault(location, origins.portal, new Set([origins.auth]))
      if (wrong !== undefined) return `${wrong}: ${raw.slice(0, 200)}`
      const begin = /^set-cookie: (__Host-portico-begin-[^;]*)/im.exec(raw)?.[1] ?? ''
      const end = await finish(location ?? '', begin)
      ends.push(end ?? '')
      return end === origins.portal + target ? undefined : `ends at ${end}`
    }), [], 'byte for byte where it began')
    t.ok(ends.includes(`${origins.portal}//evil.example`), 'a path that looks like a host stays a path')
  })

  await t.test('N5 state, request and begin cookie, even if somebody could seal them', async t => {
    const wanted = (page: string) => ({ app: 'portal', page })
    const short = some.filter(({ length }) => length < 500)
    t.same(await faultsOf(short, async page =>
      await walk(`${callbackOf('acme_oidc')}?${new URLSearchParams({ code: 'x', state: sealer.seal('state', { id: 'x', connection: 'acme_oidc', wanted: wanted(page), iat }) })}`, { hops: 1 })), [], 'state')
    t.same(await faultsOf(short, async page =>
      await walk(`${origins.auth}/login?${new URLSearchParams({ request: sealer.seal('request', { wanted: wanted(page), iat }) })}`, { hops: 1 })), [], 'request')
    t.same(await faultsOf(short, async page => {
      const begin = sealer.seal('begin', { id: 'A'.repeat(16), host: 'portal.localhost', secret: 's', page, iat })
      return await walk(`${origins.portal}/.portico/ticket?ticket=x&begin=${'A'.repeat(16)}`, { cookie: `__Host-portico-begin-${'A'.repeat(16)}=${begin}`, hops: 1 })
    }), [], 'begin')
  })

  await t.test('L3 V8 V11 after a sign-out', async t => {
    for (const [name, link] of [
      ['/logout', (text: string) => `${origins.auth}/logout?${new URLSearchParams({ return_to: text })}`],
      ['/logout/done', (text: string) => `${origins.auth}/logout/done?${new URLSearchParams({ return_to: text })}`],
      ['/.portico/logout', (text: string) => `${origins.portal}/.portico/logout?${new URLSearchParams({ return_to: text })}`]
    ] as const) {
      t.same(await faultsOf(sane, async text => {
        const answer = await send(link(text), { agent, connect })
        if (answer.status === 200) return undefined
        return answer.status === 303 ? fault(answer.headers.get('location'), answer.url, new Set([...appOrigins, origins.auth])) : `HTTP ${answer.status}`
      }), [], name)
    }
  })

  await t.test('V29 deep links are kept through a whole sign-in', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    t.same(await faultsOf(deepLinks, async link => {
      const answer = await browser.open(`${origins.auth}/login?${new URLSearchParams({ app: 'portal', return_to: link })}`, { until: url => appOrigins.has(url.origin) && !url.pathname.startsWith('/.portico/') })
      const wanted = new URL(link, origins.portal).href
      const got = answer.headers.get('location')
      return got === wanted ? undefined : `ends at ${got ?? answer.status}`
    }), [])
  })
})

t.test('V7 the address of another app is that app', async t => {
  const world = await startGateway(t)
  const browser = world.browser()
  await world.signIn(browser, `${origins.portal}/x`)
  const open = async (query: Record<string, string>) => (await browser.open(`${origins.auth}/login?${new URLSearchParams(query)}`)).url.href
  t.equal(await open({ return_to: `${origins.analytics}/x` }), `${origins.analytics}/x`)
  t.equal(await open({ app: 'dashboard', return_to: `${origins.dashboardEu}/x` }), `${origins.dashboardEu}/x`, 'and the region’s')
  t.equal(await open({ app: 'portal', return_to: `${origins.analytics}/x` }), `${origins.portal}/start`, 'not of the app that is named: its home')
})
