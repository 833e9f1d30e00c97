import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createForge, createForgeKey } from '../test/support/saml-forge.ts'
import { createCertificate } from '../test/support/saml/certificate.ts'
import { hostileBodies } from '../test/support/saml/floods.ts'
import { createBench } from '../test/support/saml/judging.ts'
import type { Facts } from '../test/support/saml/message.ts'
import { startSubject } from './subject.ts'

/**
 * `npm run bench:saml`: what a valid SAML response costs to judge, as CPU time of this process, and for how long
 * hostile bodies at an ACS hold up the event loop of a running gateway, and what they cost it. The median of the
 * rounds counts, beside calm ones in which nothing is posted. A loop that is held up while its thread gets no
 * processor is held up by the machine: what counts is the lesser of both. Ends with status 1 when a promise of
 * issue 4 is broken.
 */
const judgements = 40
const rounds = 7
const most = { few: 8, many: 25, held: 10 }

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const broken: string[] = []

const now = Math.floor(Date.now() / 1_000)
const forge = createForge({ now: () => now })
const ourKey = createForgeKey()
const ours = createCertificate(ourKey)
const bench = createBench(forge, now, [ourKey.export({ type: 'pkcs8', format: 'pem' }).toString()])

const attributes = (count: number): Facts['attributes'] => Array.from({ length: count }, (_, i) => [i === 0 ? 'mail' : `urn:oid:2.5.4.${i}`, [i === 0 ? 'ada@acme.com' : `the value of attribute ${i}`]])
const groups = Array.from({ length: 150 }, (_, i) => `CN=Group ${i},OU=Groups,DC=acme,DC=example`)
const shapes: Readonly<Record<string, { readonly attributes: Facts['attributes'], readonly limit: number }>> = {
  '5 attributes': { attributes: attributes(5), limit: most.few },
  '20 attributes': { attributes: attributes(20), limit: most.few },
  '150 groups': { attributes: [...attributes(5), ['memberOf', groups]], limit: most.many },
  '150 groups, an element each': { attributes: [...attributes(5), ...groups.map(group => ['Role', [group]] as const)], limit: most.many }
}

/** Milliseconds of CPU for each judgement of a message, and that it is accepted. */
const cost = async (xml: string): Promise<number> => {
  const message = forge.post(xml)
  if ((await bench.judge(message)).kind !== 'received') throw new Error('a valid response is refused')
  const figures: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < judgements; i++) await bench.judge(message)
    const { user, system } = process.cpuUsage(before)
    figures.push((user + system) / judgements / 1e3)
  }
  return median(figures)
}

process.stdout.write(`Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}; medians of ${rounds} rounds\n\nCPU of a valid response, ms${''.padEnd(5)}${['assertion', 'both signed', 'encrypted', 'at most'].map(title => title.padStart(13)).join('')}\n`)
for (const [name, shape] of Object.entries(shapes)) {
  const response = forge.response({ attributes: shape.attributes })
  const signed = forge.sign(response)
  const figures = [await cost(signed), await cost(forge.sign(response, { what: 'both' })), await cost(forge.encrypt(signed, ours))]
  if (Math.max(...figures) > shape.limit) broken.push(`${name}: more than ${shape.limit} ms`)
  process.stdout.write(`${name.padEnd(32)}${[...figures.map(figure => figure.toFixed(2)), String(shape.limit)].map(cell => cell.padStart(13)).join('')}\n`)
}

const freePort = (): Promise<number> => new Promise(resolve => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    server.close(() => { resolve(port) })
  })
})

const folder = await mkdtemp(join(tmpdir(), 'portico-bench-'))
const port = await freePort()
await mkdir(join(folder, 'organizations'))
await writeFile(join(folder, 'key'), randomBytes(32).toString('base64'))
await writeFile(join(folder, 'idp.pem'), forge.certificate)
await writeFile(join(folder, 'portico.yaml'), [
  'auth_url: http://auth.localhost:8080',
  `listen: { port: ${port} }`,
  'ops: { port: 0 }',
  'logs: { level: error }',
  'keys: [{ file: key }]',
  'store: { kind: sqlite, path: portico.db }',
  'organizations: organizations',
  'apps: { analytics: { url: "http://analytics.localhost:8080", upstream: "http://127.0.0.1:9" } }'
].join('\n'))
await writeFile(join(folder, 'organizations', 'acme.yaml'), [
  'name: Acme Corp',
  'connections:',
  `  acme_saml: { connector: saml, status: active, domains: [acme.com], entity_id: "${forge.entityId}", sso_url: "http://127.0.0.1:9/sso", certificates: [../idp.pem] }`
].join('\n'))
const gateway = await startSubject('Portico', './subjects/serve.ts', [join(folder, 'portico.yaml')])

const post = (body: Buffer): Promise<number> => new Promise((resolve, reject) => {
  const asked = request({
    port, host: '127.0.0.1', method: 'POST', path: '/saml/acme_saml/acs', headers: { host: 'auth.localhost:8080', 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length }
  }, response => {
    response.resume().on('end', () => { resolve(response.statusCode ?? 0) })
  })
  // a body that is too long may be cut off while it is sent
  asked.on('error', (error: NodeJS.ErrnoException) => error.code === 'EPIPE' || error.code === 'ECONNRESET' ? resolve(413) : reject(error))
  asked.end(body)
})

interface Stretch { readonly held: number, readonly thread: number, readonly cpu: number, readonly status: number }

/** For how long the loop was held up at most while `count` of a body came at once, and what its thread and all threads worked for each; none is a calm stretch. Milliseconds. */
const stretch = async (body: Buffer | undefined, count: number): Promise<Stretch> => {
  await wait(20)
  const { thread: began } = await gateway.ask({ kind: 'held' })
  const before = await gateway.usage()
  const statuses = body === undefined ? (await wait(20), [0]) : await Promise.all(Array.from({ length: count }, async () => await post(body)))
  const after = await gateway.usage()
  const { held, thread } = await gateway.ask({ kind: 'held' })
  return { held: Number(held), thread: (Number(thread) - Number(began)) / 1e3, cpu: (after.cpu - before.cpu) / 1e3 / count, status: Math.max(...statuses) }
}

const row = (name: string, cells: readonly string[]): string => `${name.padEnd(46)}${cells.map(cell => cell.padStart(12)).join('')}\n`
process.stdout.write(`\n${row('hostile bodies at an ACS', ['held, ms', 'slowest', 'calm, ms', 'of 8, ms', 'its CPU, ms', 'all CPU, ms', 'HTTP'])}`)
const valid = Buffer.from(new URLSearchParams({ SAMLResponse: forge.post(forge.sign(forge.response())) }).toString())
const bodies = { 'a valid response': valid, ...hostileBodies(forge) }
for (const body of Object.values(bodies)) for (let i = 0; i < 5; i++) await post(body)
for (const [name, body] of Object.entries(bodies)) {
  const figures: { readonly calm: Stretch, readonly one: Stretch, readonly eight: Stretch }[] = []
  for (let round = 0; round < rounds; round++) figures.push({ calm: await stretch(undefined, 1), one: await stretch(body, 1), eight: await stretch(body, 8) })
  const held = median(figures.map(({ one }) => one.held))
  const thread = median(figures.map(({ one }) => one.thread))
  const status = Math.max(...figures.flatMap(({ one, eight }) => [one.status, eight.status]))
  process.stdout.write(row(name, [
    held.toFixed(1),
    Math.max(...figures.map(({ one }) => one.held)).toFixed(1),
    median(figures.map(({ calm }) => calm.held)).toFixed(1),
    median(figures.map(({ eight }) => eight.held)).toFixed(1),
    thread.toFixed(1),
    median(figures.map(({ eight }) => eight.cpu)).toFixed(1),
    String(status)
  ]))
  if (Math.min(held, thread) > most.held) broken.push(`${name}: the event loop is held up for more than ${most.held} ms`)
  if (body !== valid && (status < 400 || status >= 500)) broken.push(`${name}: HTTP ${status}`)
}
await gateway.stop()
await rm(folder, { recursive: true })

for (const promise of broken) process.stdout.write(`broken: ${promise}\n`)
if (broken.length > 0) process.exitCode = 1
