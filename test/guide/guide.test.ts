import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadConfiguration } from '../../src/config/load.ts'
import { main } from '../../src/main.ts'
import { key } from '../config/support.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Result { status: number | null, out: string, err: string }

const argsOf = (folder: string, args: readonly string[]): string[] => ['guide', ...args, '--config', join(folder, 'portico.yaml')]

/** Runs the program as an operator does, in an environment where nothing is set. */
const runProgram = (folder: string, ...args: readonly string[]): Promise<Result> => new Promise((resolve, reject) => {
  const child = spawn(process.execPath, [join(root, 'bin/portico.js'), ...argsOf(folder, args)], { cwd: root, env: { PATH: process.env['PATH'] ?? '' } })
  const result: Result = { status: null, out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { result.out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { result.err += text })
  child.on('error', reject).on('close', status => { resolve({ ...result, status }) })
})

/** The same command line without a process of its own, which costs more than all the rest. */
const run = async (folder: string, ...args: readonly string[]): Promise<Result> => {
  const result: Result = { status: null, out: '', err: '' }
  const status = await main(argsOf(folder, args), { env: {}, cwd: root, out: text => { result.out += text }, err: text => { result.err += text } })
  return { ...result, status }
}

const mainFile = `auth_url: https://auth.example.com
keys: [{ env: PORTICO_KEY }]
apps:
  analytics: { name: Analytics, url: https://analytics.example.com, upstream: http://127.0.0.1:1, groups: { acme: [staff] } }
  dashboard:
    regions:
      us: { url: https://dashboard.example.com, upstream: http://127.0.0.1:1 }
      eu: { url: https://dashboard-eu.example.com, upstream: http://127.0.0.1:1 }
  internal: { url: https://internal.example.com, upstream: http://127.0.0.1:1 }
`

// As far as an operator knows before the customer has answered: no client id, no secret, no domain of theirs.
const acme = `name: Acme Corp
apps: [analytics, dashboard]
login_hosts: [https://acme.example.com]
connections:
  entra_acme:
    connector: entra
    domains: [acme.com, bücher.example]
    accepts: [acme.co.uk]
    tenant_id: 11111111-2222-4333-8444-555555555555
    client_secret: { env: NOT_SET_ANYWHERE }
    client_secret_expires: 2027-05-01
  google_acme:
    connector: google
    callback: shared
    domains: [acme.com]
    workspace_domain: acme.com
    client_secret: the-literal-secret
  okta_best_company:
    connector: okta
    domains: [acme.com]
    okta_domain: acme.okta.com
    client_id: 0oa1example
  oidc_acme:
    connector: oidc
    domains: [acme.com]
    discovery_url: https://login.acme.com/realms/main
    claims: { email: mail }
  manual_acme:
    connector: manual
    domains: [acme.com]
    authorization_url: https://old.acme.com/authorize
    token_url: https://old.acme.com/token
`

const hostile = `name: "1. <b>Best</b> & \`Co\` | *x* _y_ [z](http://e) &amp; \\u2028# <script>alert(1)</script>"
connections:
  okta_hostile:
    connector: okta
    domains: [hostile.example]
    authorization_server: "a\`b\`\`c </code><script>"
`

const files = { 'portico.yaml': mainFile, organizations: { 'acme.yaml': acme, 'hostile.yaml': hostile } }

t.test('R27 R29 each provider’s page: its menus, and this connection’s addresses, before client id and secret are there', async t => {
  const folder = t.testdir(files)
  for (const [id, menus, values] of [
    ['entra_acme', ['App registrations', 'New registration', 'Supported account types', 'Web', 'Client secrets', 'Value', 'Token configuration', 'Add groups claim', 'Authentication'],
      ['https://auth.example.com/login/entra_acme/callback', 'https://auth.example.com/logout/entra_acme/frontchannel', 'sid', 'login_hint', '11111111-2222-4333-8444-555555555555', '2027-05-01', 'xn--bcher-kva.example', 'acme.co.uk']],
    ['google_acme', ['Google Auth Platform', 'Clients', 'Create client', 'Audience', 'Internal', 'Authorized JavaScript origins', 'Authorized redirect URIs'],
      ['https://auth.example.com/login/callback', 'https://auth.example.com', 'acme.com']],
    ['okta_best_company', ['Create App Integration', 'OIDC - OpenID Connect', 'Web Application', 'Sign-in redirect URIs', 'Sign-out redirect URIs', 'Logout request URL', 'Either Okta or App', 'Initiate login URI', 'Assignments'],
      ['https://auth.example.com/login/okta_best_company/callback', 'https://auth.example.com/login/okta_best_company', 'https://auth.example.com/logout/done', 'https://auth.example.com/logout/okta_best_company/frontchannel', 'acme.okta.com', '0oa1example', 'groups']],
    ['oidc_acme', ['Allowed Callback URLs', 'Valid redirect URIs', 'Backchannel logout URL', 'Back-Channel Logout URI', 'OIDC Web App', 'Configuration'],
      ['https://auth.example.com/login/oidc_acme/callback', 'https://auth.example.com/logout/oidc_acme/backchannel', 'https://auth.example.com/logout/oidc_acme/frontchannel', 'https://auth.example.com', 'client_secret_basic', 'mail', 'https://login.acme.com/realms/main']],
    ['manual_acme', [], ['https://auth.example.com/login/manual_acme/callback', 'https://old.acme.com/authorize', 'https://old.acme.com/token']]
  ] as const) {
    const { status, out, err } = await run(folder, id)
    t.same([status, err], [0, ''], id)
    for (const menu of menus) t.ok(out.includes(`**${menu}**`), `${id}: ${menu}`)
    for (const value of values) t.ok(out.includes(`\`${value}\``), `${id}: ${value}`)
    t.ok(out.startsWith('# Single sign-on for Acme Corp: '))
    for (const word of ['Never send it by e-mail', '`_portico.acme.com`, `portico-verification=', `portico links --test ${id}`, `portico doctor ${id}`]) t.ok(out.includes(word), `${id}: ${word}`)
    for (const link of ['analytics', 'dashboard&region=us', 'dashboard&region=eu']) t.ok(out.includes(`\`https://auth.example.com/login/${id}?app=${link}\``), `${id}: ${link}`)
    t.notMatch(out, /undefined|\[object|the-literal-secret|NOT_SET_ANYWHERE/)
    t.notOk(out.includes('internal'), 'nothing about apps of others')
  }
  t.notOk((await run(folder, 'google_acme')).out.includes('/login/google_acme/callback'), 'a shared attempt returns to the shared address only')
})

t.test('R29 where sign-ins are refreshed, the provider is asked to allow it', async t => {
  const refreshing = { ...files, organizations: { ...files.organizations, 'acme.yaml': acme.replaceAll(/^( +)connector: .*$/gm, '$&\n$1refresh: 30m') } }
  const folder = t.testdir({ plain: files, refreshing })
  for (const [id, words] of [['okta_best_company', ['Refresh Token']], ['entra_acme', ['offline_access']]] as const) {
    const [before, after] = [await run(join(folder, 'plain'), id), await run(join(folder, 'refreshing'), id)]
    t.same([before.status, after.status, after.err], [0, 0, ''])
    for (const word of words) t.match([before.out.includes(word), after.out.includes(word)], [false, true], `${id}: ${word}`)
  }
})

t.test('R15 R29 --json: the facts, and the hosts to exempt from TLS inspection, without a secret', async t => {
  const folder = t.testdir(files)
  const ours = ['auth.example.com', 'acme.example.com', 'analytics.example.com', 'dashboard.example.com', 'dashboard-eu.example.com']
  for (const [id, provider] of [
    ['entra_acme', ['login.microsoftonline.com', 'login.microsoft.com', '*.msauth.net', '*.msftauth.net']],
    ['google_acme', ['accounts.google.com', '*.gstatic.com']],
    ['okta_best_company', ['acme.okta.com', '*.oktacdn.com']],
    ['oidc_acme', ['login.acme.com']],
    ['manual_acme', ['old.acme.com']]
  ] as const) {
    const { status, out } = await run(folder, id, '--json')
    t.equal(status, 0)
    const facts: unknown = JSON.parse(out)
    t.match(facts, { connection: id, organization: { id: 'acme', name: 'Acme Corp' }, login_pages: ['https://acme.example.com'], domains: ['acme.com'] })
    t.match(facts, {
      post_logout_redirect_uris: ['https://auth.example.com/logout/done'],
      backchannel_logout_uri: `https://auth.example.com/logout/${id}/backchannel`,
      frontchannel_logout_uri: `https://auth.example.com/logout/${id}/frontchannel`
    }, 'R28')
    t.match(facts, { exempt_from_tls_inspection: { ours, provider } }, id)
    t.notMatch(out, 'the-literal-secret')
    const page = (await run(folder, id)).out
    for (const host of [...ours, ...provider]) t.ok(page.includes(`\`${host}\``), `${id}: ${host} is on the page`)
  }
})

t.test('R29 --html: one file that runs and loads nothing, in which names stay text; Markdown likewise', async t => {
  const folder = t.testdir(files)
  const page = await runProgram(folder, 'okta_hostile', '--html')
  t.equal(page.status, 0)
  t.match(page.out, /^<!doctype html>/)
  t.notMatch(page.out, /<script|<b>Best|<link|<img|src=|href=|@import|url\(/)
  t.ok(page.out.includes('&lt;b&gt;Best&lt;/b&gt; &amp; `Co`'))
  t.ok(page.out.includes('a`b``c &lt;/code&gt;&lt;script&gt;'))
  const markdown = (await run(folder, 'okta_hostile')).out
  // whatever is not in a code span: every character that means something has a backslash before it
  const outside = markdown.replaceAll(/(?<![\\`])(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, '')
  t.notMatch(outside, /(?<!\\)<(?:b|script|\/)/)
  t.notMatch(outside, /(?<!\\)\[z|(?<!\\)\*x|(?<!\\)_y/)
  t.ok(markdown.includes('``` a`b``c </code><script> ```'), 'a code span with backticks inside has a longer fence')
  t.same([...markdown.matchAll(/^# /gm)].length, 1, 'one heading of the first order')
})

t.test('what cannot be written a guide for is said, with a status', async t => {
  const folder = t.testdir({ ...files, organizations: { ...files.organizations, 'broken.yaml': 'name: [\nconnections:\n  lost_one: {}\n', 'misspelt.yaml': 'name: S\nconnections:\n  saml_s: { connector: samll, domains: [s.example] }\n' } })
  for (const [args, status, pattern] of [
    [['okta_best_compny'], 1, /organizations\/broken\.yaml:\d+:\d+/],
    [['saml_s'], 1, /no guide for the connector 'samll'/],
    [[], 2, /<connection>/],
    [['okta_best_company', '--html', '--json'], 2, /exclude/]
  ] as const) {
    const result = await run(folder, ...args)
    t.same([result.status, result.out], [status, ''], args.join(' '))
    t.match(result.err, pattern)
    t.notMatch(result.err, /at .*\.ts/)
  }
  t.match(await run(t.testdir(files), 'okta_best_compny'), { status: 1, err: /did you mean 'okta_best_company'\?/ })
  t.match(await runProgram(t.testdir({}), 'okta'), { status: 1, err: /portico\.yaml:1:1 is not there — / })
})

t.test('R29 the templates that Portico ships with: sound when copied, every key in a comment a real one, and a guide for each at once', async t => {
  const folder = 'config/organizations'
  const templates = (await readdir(join(root, folder))).filter(name => name.endsWith('.yaml.example'))
  t.same(templates, ['entra', 'google', 'manual', 'oidc', 'okta', 'saml'].map(name => `${name}.yaml.example`))
  const shipped = await readFile(join(root, 'config/portico.yaml'), 'utf8')
  for (const template of templates) {
    const text = await readFile(join(root, folder, template), 'utf8')
    const id = `${template.split('.')[0]}_customer`
    const load = async (file: string) => await loadConfiguration({
      file: join(t.testdir({ secrets: { [id]: 'a secret' }, config: { 'portico.yaml': shipped, organizations: { 'customer.yaml': file } } }), 'config/portico.yaml'), env: { PORTICO_KEY: key(1) }
    })
    const { problems, warnings, configuration } = await load(text)
    t.same([...problems, ...warnings], [], template)
    t.match(configuration?.connections.get(id), { status: 'testing' })
    const uncommented = text.replaceAll(/^( *)# (?=[a-z_]+: )/gm, '$1')
    t.not(uncommented, text)
    t.notOk((await load(uncommented)).problems.some(({ message }) => message === 'unknown key'), `${template}: what it has in comments`)
    const bare = t.testdir({ 'portico.yaml': shipped, organizations: { 'customer.yaml': text } })
    t.match(await run(bare, id), { status: 0, err: '', out: template.startsWith('saml') ? `/saml/${id}/acs` : `/login/${id}/callback` }, `${template}: a guide before there is a secret`)
  }
})
