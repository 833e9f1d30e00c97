import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { addressesFor, isAdmitted, takenOver } from '../../src/access/members.ts'
import { mayUse } from '../../src/access/apps.ts'
import { indexInvited, openInvited } from '../../src/config/invited.ts'
import { createLoader } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { PorticoError } from '../../src/errors.ts'
import { configurationOf, connectionOf, organizationOf, placeOf } from '../support/configuration.ts'

const codeOf = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error instanceof PorticoError ? error.code : error
  }
}

const listOf = (...addresses: string[]) => ({ kind: 'invited', list: openInvited(indexInvited(addresses)) } as const)

t.test('R20 R19 as which addresses somebody is let in', async t => {
  const members = listOf('ada@acme.com', 'ami+cio@acme.com', 'ami+cto@acme.com', 'bob+one@acme.com', 'eve@acme.com', 'eve+x@acme.com', 'two+a+b@acme.com', '+x@acme.com')
  const organization = organizationOf('acme', { members, blocked: new Set(['bob+one@acme.com', 'eve@acme.com', 'ami+cto@acme.com']) })
  const exact = connectionOf('okta', organization)
  const alias = connectionOf('google', organization, { matching: 'plus_alias' })
  const cases: readonly (readonly [string, unknown, unknown])[] = [
    // the e-mail, with exact matching, with plus_alias
    ['ada@acme.com', ['ada@acme.com'], ['ada@acme.com']],
    ['ami@acme.com', 'PORTICO_NOT_INVITED', ['ami+cio@acme.com']],
    ['ami+cio@acme.com', ['ami+cio@acme.com'], ['ami+cio@acme.com']],
    ['ami+other@acme.com', 'PORTICO_NOT_INVITED', 'PORTICO_NOT_INVITED'],
    ['ami+cio+more@acme.com', 'PORTICO_NOT_INVITED', 'PORTICO_NOT_INVITED'],
    ['ada+x@acme.com', 'PORTICO_NOT_INVITED', 'PORTICO_NOT_INVITED'],
    ['am@acme.com', 'PORTICO_NOT_INVITED', 'PORTICO_NOT_INVITED'],
    ['two@acme.com', 'PORTICO_NOT_INVITED', ['two+a+b@acme.com']],
    ['two+a@acme.com', 'PORTICO_NOT_INVITED', 'PORTICO_NOT_INVITED'],
    ['ami@acme.co', 'PORTICO_NOT_INVITED', 'PORTICO_NOT_INVITED'],
    ['bob@acme.com', 'PORTICO_NOT_INVITED', 'PORTICO_MEMBER_BLOCKED'],
    ['eve@acme.com', 'PORTICO_MEMBER_BLOCKED', 'PORTICO_MEMBER_BLOCKED']
  ]
  for (const [email, plainly, aliased] of cases) {
    t.same(codeOf(() => addressesFor(exact, email)), plainly, `exact ${email}`)
    t.same(codeOf(() => addressesFor(alias, email)), aliased, `plus_alias ${email}`)
  }
  const open = connectionOf('open', organizationOf('open', { blocked: new Set(['eve@acme.com']) }), { matching: 'plus_alias' })
  t.same(addressesFor(open, 'ami@acme.com'), ['ami@acme.com'])
  t.equal(codeOf(() => addressesFor(open, 'eve@acme.com')), 'PORTICO_MEMBER_BLOCKED')
  const nobody = connectionOf('nobody', organizationOf('nobody', { members: listOf() }), { matching: 'plus_alias' })
  t.equal(codeOf(() => addressesFor(nobody, 'ada@acme.com')), 'PORTICO_NOT_INVITED', 'H6 an empty list lets nobody in')
})

t.test('V33 who signed in before is admitted as the organization is now', async t => {
  const invited = organizationOf('acme', { members: listOf('ada@acme.com', 'ami+cio@acme.com'), blocked: new Set(['eve@acme.com']) })
  const open = organizationOf('acme', { blocked: new Set(['ada@acme.com', 'ami+cio@acme.com']) })
  t.equal(isAdmitted(invited, { email: 'ada@acme.com' }), true)
  t.equal(isAdmitted(invited, { email: 'ami@acme.com', invited: 'ami+cio@acme.com' }), true)
  t.equal(isAdmitted(invited, { email: 'ami@acme.com' }), false)
  t.equal(isAdmitted(invited, { email: 'ami@acme.com', invited: 'ami+cto@acme.com' }), false)
  t.equal(isAdmitted(invited, { email: 'eve@acme.com' }), false)
  t.equal(isAdmitted(open, { email: 'grace@acme.com' }), true)
  t.equal(isAdmitted(open, { email: 'ada@acme.com' }), false)
  t.equal(isAdmitted(open, { email: 'x@acme.com', invited: 'ami+cio@acme.com' }), false)
})

t.test('R10 a connection takes over from what it replaces, and from what that replaced', async t => {
  const acme = organizationOf('acme')
  const connections = new Map([
    connectionOf('one', acme), connectionOf('two', acme, { replaces: 'one' }), connectionOf('three', acme, { replaces: 'two' }),
    connectionOf('x', acme, { replaces: 'y' }), connectionOf('y', acme, { replaces: 'x' }),
    connectionOf('far', acme, { replaces: 'elsewhere' }), connectionOf('elsewhere', organizationOf('globex'), { replaces: 'one' })
  ].map(connection => [connection.id, connection]))
  const of = (id: string) => {
    const connection = connections.get(id)
    return connection === undefined ? undefined : takenOver(configurationOf({ connections }), connection)
  }
  t.same(of('one'), [])
  t.same(of('two'), ['one'])
  t.same(of('three'), ['two', 'one'])
  t.same(of('x'), ['y'], 'and a circle ends')
  t.same(of('far'), ['elsewhere'], 'nothing of another organization is walked through')
})

t.test('I group rules: in, out, none, several, empty', async t => {
  const acme = organizationOf('acme')
  const { app } = placeOf('analytics', { groups: new Map([['acme', new Set(['staff', 'ops'])]]) })
  for (const [groups, may] of [[['staff'], true], [['x', 'ops'], true], [['staff', 'ops'], true], [['Staff'], false], [['staf'], false], [['staff,ops'], false], [[''], false], [[], false], [undefined, true]] as const) {
    t.equal(mayUse(acme, app, groups), may, JSON.stringify(groups))
  }
  t.equal(mayUse(organizationOf('globex'), app, []), true, 'a rule is of the organization that it names')
  t.equal(mayUse(organizationOf('acme', { apps: new Set() }), app, ['staff']), false)
})

const main = [
  'auth_url: http://auth.localhost:8080', 'keys: [{ file: key }]',
  'apps:', '  analytics: { url: "http://analytics.localhost:8080", upstream: "http://127.0.0.1:9" }'
].join('\n')

const acmeWith = (...lines: string[]): string => ['name: Acme', ...lines, 'connections:',
  '  acme_okta: { connector: oidc, status: active, domains: [acme.com], accepts: [acme.org], discovery_url: "https://idp.acme.com", client_id: portico, client_secret: { file: ../secret } }'].join('\n')

const folderOf = (t: Test, acme: string, files: Record<string, string> = {}, portico = main): string =>
  t.testdir({ 'portico.yaml': portico, key: randomBytes(32).toString('base64'), secret: 'not asked for', organizations: { 'acme.yaml': acme, ...files } })

const load = async (folder: string, again = createLoader({ file: join(folder, 'portico.yaml'), env: {} })) => {
  const { configuration, problems, warnings } = await again()
  const lines = (found: typeof problems) => found.map(problem => formatProblem(problem, folder))
  return { configuration, problems: lines(problems), warnings: lines(warnings) }
}

t.test('R19 an invited list in a file: each bad line has its place, oddities are counted', async t => {
  const bad = Array.from({ length: 30 }, (_, i) => `nobody ${i}`)
  const folder = folderOf(t, acmeWith('members: { invited_file: acme.txt }'), {
    'acme.txt': ['# the board', 'ada@acme.com', '', '  Ada Lovelace <ada@acme.com>', 'ADA@ACME.COM', 'ada@acme.com', 'grace@acme.org', 'hari@globex.com', 'eve@globex.com\r', ...bad].join('\n')
  })
  const { configuration, problems, warnings } = await load(folder)
  t.equal(configuration, undefined)
  t.equal(problems.length, 21)
  t.match(problems[0], /^organizations\/acme\.txt:4:3 'Ada Lovelace <ada@acme\.com>' is not one/)
  t.match(problems[1], /^organizations\/acme\.txt:10:1 'nobody 0'/)
  t.match(problems[20], /^organizations\/acme\.txt:29:1 11 more lines/)
  t.equal(warnings.length, 2)
  t.match(warnings[0], /^organizations\/acme\.txt:5:1 'ada@acme\.com' is listed already, and so is 1 more/)
  t.match(warnings[1], /^organizations\/acme\.txt:8:1 'hari@globex\.com' is of no domain of the organization, and so is 1 more/)
})

t.test('R19 what a customer wrote into a list stays on one line, and steers no terminal', async t => {
  const { problems } = await load(folderOf(t, acmeWith('members: { invited_file: acme.txt }'), { 'acme.txt': 'ada@acme.com\rbob@acme.com\n\u001b[2J\u009b31m@acme.com\nb\u202Ead@acme.com\na\u2028b@acme.com\n' }))
  t.match(problems, [/^organizations\/acme\.txt:1:1 'ada@acme\.com\?bob@acme\.com'/, /^organizations\/acme\.txt:2:1 '\?\[2J\?31m@acme\.com'/, /'b\?ad@acme\.com'/, /'a\?b@acme\.com'/])
  t.notMatch(problems.join(''), /[\p{C}\p{Zl}\p{Zp}]/u)
})

t.test('R19 who means to restrict is not told to let anybody in', async t => {
  const { problems } = await load(folderOf(t, acmeWith('members: invited')))
  t.match(problems, [/^organizations\/acme\.yaml:2:10 members: 'invited' is unknown — write anyone or \{ blocked: … \} or \{ invited, blocked: … \} or \{ invited_file, blocked: … \}$/])
  t.match((await load(folderOf(t, acmeWith('members: anyon')))).problems, [/did you mean anyone\?/])
})

t.test('R19 an invited list in the organization’s own file', async t => {
  const odd = await load(folderOf(t, acmeWith('members: { invited: [ada@acme.com, ada@globex.com, Ada@acme.com, eve@globex.com] }')))
  t.same(odd.problems, [])
  t.match(odd.warnings, [
    /^organizations\/acme\.yaml:2:36 members\.invited\[1\]: 'ada@globex\.com' is of no domain of the organization, and so is 1 more/,
    /^organizations\/acme\.yaml:2:52 members\.invited\[2\]: 'ada@acme\.com' is listed already —/
  ])
  t.equal(odd.warnings.length, 2)
  const bad = await load(folderOf(t, acmeWith('members: { invited: [ada, ada@acme.com] }')))
  t.match(bad.problems, [/^organizations\/acme\.yaml:2:22 members\.invited\[0\]: /])
  t.equal(bad.problems.length, 1, 'said once')
  t.match((await load(folderOf(t, acmeWith('members: { invited: [] }')))).warnings, [/members\.invited: nobody is invited/])
  t.match((await load(folderOf(t, acmeWith('members: { invited_file: a.txt }'), { 'a.txt': '# none\n' }))).warnings, [/^organizations\/acme\.yaml:2:26 members\.invited_file: nobody is invited/])
})

t.test('R19 a list of 100,000: looked up in a moment, and read again when it changes', async t => {
  const people = Array.from({ length: 100_000 }, (_, i) => `person.${i}+tag@acme.com`)
  const folder = folderOf(t, acmeWith('members: { invited_file: acme.txt }'), { 'acme.txt': people.join('\n') })
  const loader = createLoader({ file: join(folder, 'portico.yaml'), env: {} })
  const { configuration, problems, warnings } = await load(folder, loader)
  t.same([...problems, ...warnings], [])
  const members = configuration?.organizations.get('acme')?.members
  if (members?.kind !== 'invited') throw new Error('no list')
  t.equal(people.filter(address => !members.list.exact.has(address)).length, 0)
  t.same(members.list.tagged.get('person.77@acme.com'), ['person.77+tag@acme.com'])
  t.equal(members.list.exact.has('person.77@acme.com'), false)
  writeFileSync(join(folder, 'organizations', 'acme.txt'), [...people.slice(1), 'late@acme.com', 'no address'].join('\n'))
  t.match((await load(folder, loader)).problems, [/^organizations\/acme\.txt:100001:1 'no address'/])
  writeFileSync(join(folder, 'organizations', 'acme.txt'), [...people.slice(1), 'late@acme.com'].join('\n'))
  const next = (await load(folder, loader)).configuration?.organizations.get('acme')?.members
  t.equal(next?.kind === 'invited' && next.list.exact.has('late@acme.com') && !next.list.exact.has('person.0+tag@acme.com'), true)
})

t.test('I group rules are checked: organizations that exist, apps that they have, groups that can be', async t => {
  const withRules = (rules: string) => main.replace('upstream: "http://127.0.0.1:9"', `upstream: "http://127.0.0.1:9", groups: ${rules}`)
  const withGroups = (groups: string) => acmeWith().replace('client_id', `groups: ${groups}, client_id`)
  const of = async (rules: string, acme = acmeWith()) => await load(folderOf(t, acme, {}, withRules(rules)))
  t.match((await of('{ acmee: [staff] }')).problems, [/^portico\.yaml:4:\d+ apps\.analytics\.groups\.acmee: there is no organization 'acmee' — did you mean 'acme'\?/])
  t.match((await of('{ somebody_else: [staff] }')).problems, [/name an organization by its file/])
  t.match((await of('{ acme: [staff] }', acmeWith('apps: []'))).warnings, [/does not have this app/])
  for (const [groups, rule, may] of [
    ['{ filter: [staff] }', 'staff', true], ['{ filter: [staff] }', 'ops', false], ['{ filter: [app_*] }', 'app_x', true], ['{ filter: [app_*] }', 'app', false],
    ['{ rename: { 0ab1: staff } }', 'staff', true], ['{ rename: { 0ab1: staff } }', '0ab1', false], ['{ filter: ["0*"], rename: { 0ab1: staff } }', 'staff', true], ['{ filter: [x], rename: { 0ab1: staff } }', 'staff', false]
  ] as const) {
    const { problems, warnings } = await of(`{ acme: ["${rule}"] }`, withGroups(groups))
    t.same(problems, [])
    t.match(warnings, may ? [] : [/^portico\.yaml:4:\d+ apps\.analytics\.groups\.acme\[0\]: no connection of 'acme' can give/], `${groups} ${rule}`)
    t.equal(warnings.length, may ? 0 : 1)
  }
})
