import t, { type Test } from 'tap'
import { loadConfiguration } from '../../src/config/load.ts'
import { ownerOf, standingOf, successorOf } from '../../src/config/standing.ts'
import { key, writeFiles } from '../config/support.ts'

const seconds = (text: string): number => Date.parse(text) / 1000
const now = seconds('2027-01-01T00:00:00Z')

const main = `
auth_url: https://auth.example.com
keys: ["${key(1)}"]
organizations: ./organizations
apps:
  analytics: { url: https://analytics.example.com, upstream: "http://127.0.0.1:9101" }
`

/** An organization file with these connections. */
const organization = (connections: Readonly<Record<string, string>>, lines = ''): string => [
  'name: Somebody',
  lines,
  'connections:',
  ...Object.entries(connections).map(([id, settings]) => `  ${id}: { connector: oidc, discovery_url: "https://idp.example", client_id: c, client_secret: s, ${settings} }`)
].join('\n')

const load = async (t: Test, organizations: Readonly<Record<string, string>>, portico = main) => {
  const folder = t.testdir()
  await writeFiles(folder, {
    'portico.yaml': portico,
    ...Object.fromEntries(Object.entries(organizations).map(([id, text]) => [`organizations/${id}.yaml`, text]))
  })
  const { configuration, problems, warnings } = await loadConfiguration({ file: `${folder}/portico.yaml`, env: {}, now: () => now })
  const placed = (list: typeof problems): string[] => list
    .filter(({ path }) => !path.endsWith('client_secret') && !path.startsWith('keys'))
    .map(({ file, path, message, remedy }) => {
      if (remedy === '') throw new Error('a problem without a remedy')
      return `${file.replace(/.*\//, '')} ${path}: ${message}`
    })
  return { configuration, problems: placed(problems), warnings: placed(warnings) }
}

const acme = 'domains: [acme.com]'
const december = 'activate_at: 2027-12-01T08:00:00Z'
const november = 'activate_at: 2027-11-01'
const past = 'activate_at: 2026-06-01'

/** What is found in these files: problems, then warnings, each by where it is and a part of what it says. */
const cases: Readonly<Record<string, { files: Readonly<Record<string, string>>, problems?: readonly RegExp[], warnings?: readonly RegExp[] }>> = {
  'testing connections may share a domain with anybody': {
    files: {
      a: organization({ one: `status: active, ${acme}`, two: `status: testing, ${acme}`, three: `status: disabled, ${acme}` }),
      b: organization({ four: `status: testing, ${acme}`, five: `status: disabled, ${december}, ${acme}` })
    },
    warnings: [/^b.yaml connections.five.activate_at: /]
  },
  'two active ones may not, in one file or two': {
    files: { a: organization({ one: `status: active, ${acme}`, two: 'status: active, domains: [other.com, ACME.com]' }), b: organization({ three: `status: active, ${acme}` }) },
    problems: [/^a.yaml connections.two.domains\[1\]: 'acme.com' .* one of a already/, /^b.yaml connections.three.domains\[0\]: 'acme.com' .* one of a already/]
  },
  'nor at any later date, which is named': {
    files: { a: organization({ one: `status: active, ${acme}` }), b: organization({ two: `${december}, ${acme}` }) },
    problems: [/^b.yaml connections.two.domains\[0\]: .*one of a from 2027-12-01T08:00:00Z on/]
  },
  'two that begin later': {
    files: { a: organization({ one: `${december}, ${acme}` }), b: organization({ two: `${november}, ${acme}` }) },
    problems: [/^b.yaml connections.two.domains\[0\]: .*one of a from 2027-12-01T08:00:00Z on/]
  },
  'a date that has passed is today': {
    files: { a: organization({ one: `${past}, ${acme}` }), b: organization({ two: `${past}, ${acme}` }) },
    problems: [/two.domains\[0\]: .*one of a already/]
  },
  'one after the other': {
    files: { a: organization({ one: `status: active, ${acme}`, two: `${november}, replaces: one, ${acme}`, three: `${december}, replaces: two, ${acme}` }) }
  },
  'one after the other, long ago and in the other order of the file': {
    files: { a: organization({ two: `${past}, replaces: one, ${acme}`, one: `status: active, ${acme}` }) }
  },
  'at once': {
    files: { a: organization({ one: `status: active, ${acme}`, two: `status: active, replaces: one, ${acme}` }) }
  },
  'a third one while two follow each other': {
    files: { a: organization({ one: `status: active, ${acme}`, two: `${november}, replaces: one, ${acme}` }), b: organization({ three: `${december}, ${acme}` }) },
    problems: [/^b.yaml .*two of a from 2027-12-01T08:00:00Z on/]
  },
  'replacing one does not free the other': {
    files: { a: organization({ one: `status: active, ${acme}`, zero: 'status: active, domains: [zero.com]', two: `${november}, replaces: zero, domains: [zero.com, acme.com]` }) },
    problems: [/two.domains\[1\]: .*one of a from 2027-11-01T00:00:00Z on/]
  },
  'what is to replace never begins': {
    files: { a: organization({ one: `status: active, ${acme}`, two: `status: testing, replaces: one, ${acme}`, three: `${december}, ${acme}` }) },
    problems: [/three.domains\[0\]: .*one of a from 2027-12-01/]
  },
  'replaces names nothing, itself, another organization\'s': {
    files: {
      a: organization({ one: `status: active, replaces: one, ${acme}`, two: 'status: active, replaces: on, domains: [two.com]' }),
      b: organization({ three: 'status: active, replaces: one, domains: [three.com]' })
    },
    problems: [/^a.yaml connections.one.replaces: .*itself/, /^a.yaml connections.two.replaces: .*no connection 'on'/, /^b.yaml connections.three.replaces: .*no connection 'one'/]
  },
  'replaces goes in a circle': {
    files: {
      a: organization({
        one: 'status: active, replaces: three, domains: [one.com]', two: `${november}, replaces: one, domains: [one.com]`, three: `${december}, replaces: two, domains: [one.com]`, four: 'status: testing, replaces: three, domains: [one.com]'
      })
    },
    problems: [/one.replaces: .*'three' itself/, /two.replaces: .*'one' itself/, /three.replaces: .*'two' itself/, /four.replaces: .*'three' is replaced by 'one' already/]
  },
  'two heirs': {
    files: { a: organization({ one: `status: active, ${acme}`, two: `${november}, replaces: one, ${acme}`, three: `${december}, replaces: one, domains: [three.com]` }) },
    problems: [/three.replaces: 'one' is replaced by 'two' already/]
  },
  'dates of a chain out of order': {
    files: { a: organization({ one: `status: active, ${acme}`, two: `${december}, replaces: one, ${acme}`, three: `${november}, replaces: two, domains: [three.com]` }) },
    problems: [/three.replaces: .*from 2027-11-01T00:00:00Z on, which is not active before 2027-12-01T08:00:00Z/],
    warnings: [/two.replaces: from 2027-12-01T08:00:00Z on nobody .*'acme.com'/]
  },
  'the same date twice in a chain': {
    files: { a: organization({ one: `${december}, ${acme}`, two: `${december}, replaces: one, ${acme}` }) },
    problems: [/two.replaces: .*2027-12-01T08:00:00Z/]
  },
  'a domain that nobody takes over': {
    files: { a: organization({ one: 'status: active, domains: [acme.com, acme.org, acme.net]', two: `${december}, replaces: one, ${acme}`, three: `${november}, domains: [three.com]` }) },
    warnings: [/two.replaces: from 2027-12-01T08:00:00Z on nobody .*'acme.org', 'acme.net'/]
  },
  'a domain that a third one takes over on that very date': {
    files: { a: organization({ one: 'status: active, domains: [acme.com, acme.org]', two: `${december}, replaces: one, ${acme}`, three: `${december}, domains: [acme.org]` }) }
  },
  'a disabled heir leaves things as they are, and says so': {
    files: { a: organization({ one: `status: active, ${acme}`, two: `status: disabled, ${november}, replaces: one, ${acme}` }) },
    warnings: [/two.activate_at: /, /two.replaces: is disabled, so 'one' stays in force/]
  },
  'R2 accepts: of its own organization, and of nobody else': {
    files: {
      a: organization({ one: `status: active, ${acme}, accepts: [acme.org, second.com]`, two: 'status: active, domains: [second.com]' }),
      b: organization({ three: 'status: active, domains: [three.com], accepts: [acme.com]', four: 'status: testing, domains: [four.com], accepts: [acme.com]' }),
      c: organization({ five: `${december}, domains: [acme.org]`, six: 'status: active, domains: [six.com], accepts: [six.com]' }),
      d: organization({ seven: `${november}, domains: [seven.com], accepts: [six.com, gmail.com]` })
    },
    problems: [
      /^a.yaml connections.one.accepts\[0\]: 'acme.org' belongs to the connection five of c from 2027-12-01T08:00:00Z on/,
      /^b.yaml connections.three.accepts\[0\]: 'acme.com' belongs to the connection one of a already/,
      /^c.yaml connections.six.accepts\[0\]: 'six.com' is listed twice/,
      /^d.yaml connections.seven.accepts\[0\]: 'six.com' belongs to the connection six of c from 2027-11-01T00:00:00Z on/,
      /^d.yaml connections.seven.accepts\[1\]: 'gmail.com' is a public mail domain/
    ]
  },
  'R28 login hosts and the page after signing out': {
    files: {
      a: organization({ one: `status: active, ${acme}` }, 'login_hosts: [https://sso.acme.com, https://AUTH.example.com, https://analytics.example.com:8443, http://sso.acme.org, http://acme.localhost]\nlogout_url: http://acme.com/bye'),
      b: organization({ two: 'status: active, domains: [two.com]' }, 'login_hosts: [https://sso.acme.com]\nlogout_url: http://localhost/bye')
    },
    problems: [
      /^a.yaml login_hosts\[1\]: .*auth.example.com already belongs to auth_url/,
      /^a.yaml login_hosts\[2\]: .*analytics.example.com already belongs to apps.analytics/,
      /^a.yaml login_hosts\[3\]: plain http/,
      /^a.yaml login_hosts\[4\]: is http while auth_url is https/,
      /^a.yaml logout_url: plain http/,
      /^b.yaml login_hosts\[0\]: .*sso.acme.com already belongs to login_hosts of a/
    ]
  }
}

t.test('R10 R2 M5 N4 a file is judged for every date from now on', async t => {
  for (const [name, { files, problems = [], warnings = [] }] of Object.entries(cases)) {
    await t.test(name, async t => {
      const found = await load(t, files)
      for (const [kind, wanted] of [['problems', problems], ['warnings', warnings]] as const) {
        t.equal(found[kind].length, wanted.length, `${kind}: ${JSON.stringify(found[kind], null, 2)}`)
        for (const [index, pattern] of wanted.entries()) t.match(found[kind][index], pattern)
      }
    })
  }
})

t.test('R18 an app\'s own login page is safe, and reachable without a sign-in', async t => {
  const app = (lines: string): string => `${main}    ${lines}\n`.replace(' }\n    ', ', ').replace(/\n$/, ' }\n')
  const problemsOf = async (login: string, more = '') => {
    const { problems, warnings } = await load(t, { a: organization({ one: `status: active, ${acme}` }) }, app(`no_connection: { app_login: "${login}" }${more}`))
    return [...problems, ...warnings].map(line => line.replace(/^portico.yaml /, ''))
  }
  const at = 'apps.analytics.no_connection.app_login: '
  t.same(await problemsOf('https://login.example.com/in'), [])
  t.same(await problemsOf('https://analytics.example.com/sign-in', ', public: ["GET,POST /sign-in"]'), [])
  t.same(await problemsOf('https://analytics.example.com/own/sign-in', ', public: [/own/*]'), [])
  for (const [login, more, pattern] of [
    ['http://login.example.com/in', '', /plain http/],
    ['https://auth.example.com/in', '', /on the auth host/],
    ['https://analytics.example.com/sign-in', ', public: [/sign-in/*, POST /sign-in, /sign]', /needs a sign-in itself/]
  ] as const) {
    const found = await problemsOf(login, more)
    t.equal(found.length, 1, `${login}: ${JSON.stringify(found)}`)
    t.ok(found[0]?.startsWith(at))
    t.match(found[0], pattern)
  }
})

t.test('R10 what the checks say of a date is what standing says at that date', async t => {
  const { configuration } = await load(t, {
    a: organization({ one: `status: active, ${acme}`, two: `${november}, replaces: one, ${acme}`, three: `${december}, replaces: two, ${acme}` })
  })
  if (configuration === undefined) throw new Error('it has problems')
  const one = configuration.connections.get('one')
  if (one === undefined) throw new Error('it is not there')
  for (const [date, owner, standings] of [
    ['2027-01-01T00:00:00Z', 'one', 'active testing testing'],
    ['2027-10-31T23:59:59Z', 'one', 'active testing testing'],
    ['2027-11-01T00:00:00Z', 'two', 'disabled active testing'],
    ['2027-12-01T07:59:59Z', 'two', 'disabled active testing'],
    ['2027-12-01T08:00:00Z', 'three', 'disabled disabled active'],
    ['2099-01-01T00:00:00Z', 'three', 'disabled disabled active']
  ] as const) {
    t.equal(ownerOf(configuration, 'acme.com', seconds(date))?.id, owner, date)
    t.equal([...configuration.connections.values()].map(connection => standingOf(connection, seconds(date))).join(' '), standings, date)
    t.equal(successorOf(configuration, one, seconds(date))?.id, owner, `what has become of the first, ${date}`)
  }
})
