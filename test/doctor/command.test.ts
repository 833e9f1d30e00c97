import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { main } from '../../src/main.ts'
import { startProvider } from '../support/provider.ts'

const secret = 'the secret of the client at the provider of this test'

const organization = (issuer: string, lines: readonly string[] = []): string => [
  'name: Acme',
  'connections:',
  '  acme_oidc:',
  '    connector: oidc',
  '    status: active',
  '    domains: [acme.test]',
  `    discovery_url: ${issuer}`,
  '    client_id: portico',
  '    client_secret: { env: SECRET }',
  ...lines
].join('\n')

t.test('R16 portico doctor: a line a finding, status 1 for problems alone, nothing secret', async t => {
  const provider = await startProvider({
    clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: ['https://auth.example.com/login/acme_oidc/callback'] }],
    accounts: {}
  })
  t.teardown(provider.close)
  const folder = t.testdir({
    'portico.yaml': 'auth_url: https://auth.example.com\nkeys: [{ env: KEY }]\napps: {}\n',
    organizations: { 'acme.yaml': organization(provider.issuer, ['  acme_off:', '    connector: oidc', '    status: disabled', '    domains: [acme.test]', '    discovery_url: https://nowhere.invalid', '    client_id: x', '    client_secret: { env: SECRET }']) }
  })
  const run = async (args: readonly string[], env: Record<string, string> = {}) => {
    const result = { status: 0, out: '', err: '' }
    result.status = await main(['doctor', ...args, '--config', join(folder, 'portico.yaml')], {
      env: { KEY: randomBytes(32).toString('base64'), SECRET: secret, ...env },
      cwd: folder,
      out: text => { result.out += text },
      err: text => { result.err += text }
    })
    return result
  }

  const fine = await run([])
  t.equal(fine.status, 0, 'warnings leave it 0')
  t.equal(fine.err, '')
  const lines = fine.out.split('\n').slice(0, -1)
  t.match(lines.at(-1), /^1 connection: 0 problems, [1-9]\d* warnings?$/, 'a disabled one is left out')
  for (const line of lines.slice(0, -1)) t.match(line, /^acme_oidc {2}(?:ok {5}|warning|problem) {2}[\w ]+: wanted .+; got .+/i)
  t.ok(lines.some(line => line.includes('ok       issuer') && line.includes(provider.issuer)), 'R26 the issuer is printed')
  t.ok(lines.some(line => line.includes('warning  domain') && line.includes('_portico.acme.test TXT "portico-verification=')), 'R2 the record is printed')

  const wrong = await run(['acme_oidc', '--json'], { SECRET: 'a wrong secret that is nobody\'s' })
  t.equal(wrong.status, 1)
  const findings: unknown = JSON.parse(wrong.out)
  t.ok(Array.isArray(findings))
  t.match(findings, Array.prototype.concat(findings).map(() => ({ connection: 'acme_oidc', check: String, level: /^(ok|warning|problem)$/, wanted: String, got: String })))
  t.ok(Array.prototype.concat(findings).some(finding => finding.check === 'client secret' && finding.level === 'problem' && finding.remedy !== null))
  t.notMatch(wrong.out + fine.out, /nobody's|the secret of the client/)

  t.equal((await run(['acme_off'])).status, 1, 'asked for, a disabled one is looked at')
  t.match(await run(['acme_odic']), { status: 1, out: '', err: /no connection 'acme_odic' — did you mean 'acme_oidc'\?\n$/ })
  t.match(await run(['x'.repeat(1_000)]), { status: 1, err: /no connection/ })
  t.match(await run(['acme_oidc', 'more']), { status: 2 })
  t.match(await run([], { KEY: 'short' }), { status: 1, out: '', err: /keys\[0\]/ })
})
