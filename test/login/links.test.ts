import { dirname, join } from 'node:path'
import t from 'tap'
import { main } from '../../src/main.ts'
import { origins, startGateway, type World } from '../support/gateway.ts'
import { signIn } from '../support/provider.ts'

const fileOf = (world: World): string => {
  const location = world.configuration.connections.get('acme_oidc')?.location.file ?? ''
  return join(dirname(dirname(location)), 'portico.yaml')
}

interface Listed {
  readonly connection: string
  readonly standing: string
  readonly redirect_uri: string
  readonly initiate_login_uri: string
  readonly apps: readonly { readonly app: string, readonly region: string | null, readonly url: string }[]
}

t.test('portico links', async t => {
  const client = { redirect_uris: [`${origins.auth}/login/trial_oidc/callback`, `${origins.auth}/login/acme_oidc/callback`, `${origins.auth}/login/callback`] }
  const world = await startGateway(t, {
    client,
    organizations: ({ globex, trial }) => ({ globex: `${globex}\n    callback: shared`, trial: trial?.replace('[trial.example]', '[acme.com]') })
  })
  const file = fileOf(world)
  const portico = async (...args: readonly string[]) => {
    let [out, err] = ['', '']
    const status = await main([...args, '--config', file], { env: {}, cwd: dirname(file), out: text => { out += text }, err: text => { err += text } })
    return { status, out, err }
  }
  const list = async (...args: readonly string[]): Promise<readonly Listed[]> => JSON.parse((await portico('links', '--json', ...args)).out)

  await t.test('R31 every active connection with the apps that its organization may use', async t => {
    const listed = await list()
    t.same(listed.map(({ connection, apps }) => [connection, apps.map(({ app, region }) => [app, region])]), [
      ['acme_oidc', [['analytics', null], ['dashboard', 'us'], ['dashboard', 'eu'], ['portal', null]]],
      ['globex_oidc', [['portal', null]]]
    ])
    t.match(listed[0], { redirect_uri: `${origins.auth}/login/acme_oidc/callback`, initiate_login_uri: `${origins.auth}/login/acme_oidc` })
    t.match(listed[1], { redirect_uri: `${origins.auth}/login/callback` })
  })

  await t.test('R31 each link that it lists signs in and opens that app', async t => {
    for (const { connection, apps } of await list()) {
      for (const { url } of apps) {
        const { status, url: { hostname } } = await world.signIn(world.browser(), url, connection === 'acme_oidc' ? 'ada' : 'hari')
        t.equal(status, 200, url)
        const place = new URL(url).searchParams
        t.equal(hostname, place.get('region') === 'eu' ? 'dashboard-eu.localhost' : `${place.get('app')}.localhost`)
      }
    }
  })

  await t.test('the same for people, a line for each', async t => {
    const { status, out, err } = await portico('links')
    t.match({ status, err }, { status: 0, err: '' })
    t.match(out, `dashboard eu: ${origins.auth}/login/acme_oidc?app=dashboard&region=eu\n`)
    t.match(out, `initiate-login URI: ${origins.auth}/login/acme_oidc\n`)
    t.notMatch(out, /trial_oidc|gone_oidc/)
  })

  await t.test('one organization, or one connection, which may still be testing', async t => {
    t.same((await list('--organization', 'globex')).map(({ connection }) => connection), ['globex_oidc'])
    t.same((await list('--organization', 'trial')).length, 0, 'nothing of it is active')
    t.match(await list('--connection', 'trial_oidc'), [{ connection: 'trial_oidc', standing: 'testing' }])
    t.match((await portico('links', '--connection', 'trial_oidc')).out, /testing: nobody can sign in/)
  })

  await t.test('names that are not there: status 1, and what was meant', async t => {
    t.match(await portico('links', '--connection', 'acme_odic'), { status: 1, out: '', err: /did you mean 'acme_oidc'\?/ })
    t.match(await portico('links', '--organization', 'acmee'), { status: 1, out: '', err: /did you mean 'acme'\?/ })
    t.match(await portico('links', '--test', 'trial_odic'), { status: 1, out: '', err: /did you mean 'trial_oidc'\?/ })
    t.match(await portico('links', '--test', 'gone_oidc'), { status: 1, out: '', err: /disabled/ })
  })

  await t.test('wrong usage: status 2', async t => {
    for (const args of [['--test', 'trial_oidc', '--expires', '40d'], ['--test', 'trial_oidc', '--expires', 'soon'], ['--expires', '2d'], ['--test', 'trial_oidc', '--organization', 'trial'], ['trial_oidc'], ['--test']]) {
      t.match(await portico('links', ...args), { status: 2, out: '' }, args.join(' '))
    }
  })

  await t.test('R9 --test prints a link that a running gateway takes, until it ends', async t => {
    for (const [args, seconds] of [[[], 7 * 86_400], [['--expires', '2d'], 2 * 86_400]] as const) {
      const { out } = await portico('links', '--test', 'trial_oidc', ...args)
      const [link = '', until = ''] = out.split('\n')
      t.match(until, /or until trial_oidc is active/)
      const browser = world.browser()
      const { location } = await browser.send(link)
      t.equal(location?.origin, world.acme.issuer)
      t.match((await browser.follow(await signIn(location ?? '', browser, 'ada'))).text, /test sign-in of trial_oidc/)
      world.setClock(seconds - 60)
      t.equal((await world.browser().send(link)).status, 302)
      world.setClock(seconds + 60)
      t.equal((await world.browser().send(link)).status, 404)
      world.setClock(0)
    }
  })

  await t.test('R9 of an active connection it is the operator’s, for an hour', async t => {
    const { status, out } = await portico('links', '--json', '--test', 'acme_oidc')
    const { url, standing, expires } = JSON.parse(out)
    t.match({ status, standing }, { status: 0, standing: 'active' })
    const left = Date.parse(expires) - Date.now()
    t.ok(left > 3_500_000 && left <= 3_600_000, `${left} ms`)
    t.equal((await world.browser().send(url)).status, 302)
    t.match((await portico('links', '--test', 'acme_oidc')).out, /for operators only/)
  })

  await t.test('a configuration with problems is said, status 1', async t => {
    const folder = t.testdir({ 'portico.yaml': 'auth_url: nonsense' })
    let err = ''
    const status = await main(['links', '--config', join(folder, 'portico.yaml')], { env: {}, cwd: folder, out: () => {}, err: text => { err += text } })
    t.match({ status, err }, { status: 1, err: /portico\.yaml:1:\d+ auth_url/ })
  })
})
