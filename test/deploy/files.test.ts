// What needs Docker or a cluster was not run here: compose.yaml and the manifests are read and compared with the options
// that exist, with each other, and with Portico. `kubectl kustomize`, which needs no cluster, is run where it is installed.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { createLoader } from '../../src/config/load.ts'

const deploy = new URL('../../deploy/', import.meta.url)
const at = (name: string): string => fileURLToPath(new URL(name, deploy))
const read = (name: string): string => readFileSync(at(name), 'utf8')

const words = z.array(z.string())

/** Of the Compose Specification, what the sample uses: any other key is a slip. */
const service = z.strictObject({
  image: z.string(),
  build: z.string().optional(),
  command: words.optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: words.optional(),
  ports: words.optional(),
  networks: words,
  depends_on: z.union([words, z.record(z.string(), z.strictObject({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) }))]).optional(),
  healthcheck: z.strictObject({ test: words, interval: z.string(), timeout: z.string(), retries: z.number() }).optional(),
  read_only: z.boolean().optional(),
  tmpfs: words.optional(),
  stop_grace_period: z.string().optional(),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']).optional()
})
const compose = z.strictObject({
  name: z.string(),
  'x-portico': service,
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() })),
  volumes: z.record(z.string(), z.strictObject({}))
})

/** The environment variables that the sample configuration names, each once. */
const wanted = ['config/portico.yaml', 'organizations/acme.yaml']
  .flatMap(name => [...read(name).matchAll(/\{ env: ([A-Z_]+) \}/g)].map(([, name = '']) => name)).sort()

t.test('the sample configuration is one that Portico accepts', async t => {
  const values = Object.fromEntries(wanted.map(name => [name, name === 'PORTICO_KEY' ? randomBytes(32).toString('base64') : name === 'REDIS_URL' ? 'redis://redis:6379' : 'x'.repeat(40)]))
  const { configuration, problems, warnings } = await createLoader({ file: at('config/portico.yaml'), env: values })()
  t.same([...problems, ...warnings], [])
  t.match(configuration?.store, { kind: 'redis', addresses: [{ host: 'redis', port: 6379 }] })
  t.match(configuration?.listen, { host: '0.0.0.0', port: 8080, tls: undefined })
  t.match(configuration?.ops, { host: '0.0.0.0', port: 9090, token: String })
})

t.test('compose.yaml', async t => {
  const { services, networks, volumes, 'x-portico': portico } = compose.parse(parse(read('compose.yaml')))

  t.same(Object.keys(services), ['portico-1', 'portico-2', 'nginx', 'redis'])
  for (const name of ['nginx.conf', 'haproxy.cfg']) {
    t.same([...read(name).matchAll(/^ *server (?:portico-\d )?([\w-]+):8080/gm)].map(([, instance]) => instance), ['portico-1', 'portico-2'], `${name} names the services`)
  }
  t.same(Object.keys(portico.environment ?? {}).sort(), wanted, 'every secret of the configuration is given')
  const asked = Object.values(portico.environment ?? {}).flatMap(value => /^\$\{(\w+):\?/.exec(value)?.[1] ?? [])
  t.same([...read('.env.example').matchAll(/^(\w+)=$/gm)].map(([, name]) => name).sort(), asked.sort(), 'and asked for')
  t.equal(portico.environment?.['REDIS_URL'], 'redis://redis:6379')

  for (const [name, { networks: joined, volumes: mounts = [], depends_on: before = [] }] of Object.entries(services)) {
    for (const network of joined) t.ok(network in networks, `${name}: network ${network}`)
    for (const other of Array.isArray(before) ? before : Object.keys(before)) t.ok(other in services, `${name} after ${other}`)
    for (const mount of mounts) {
      const [from = ''] = mount.split(':')
      // tls/ is the operator's own
      t.ok(from === './tls' || (from.startsWith('.') ? existsSync(at(from)) : from in volumes), `${name}: ${mount}`)
    }
  }
  t.equal(networks['store']?.internal, true, 'Redis without a password is on a network of its own')
  t.same(Object.entries(services).filter(([, { networks: joined }]) => joined.includes('store')).map(([name]) => name), ['portico-1', 'portico-2', 'redis'])
  t.ok(Number.parseInt(portico.stop_grace_period ?? '', 10) > 20, 'longer than serve gives its workers')
})

t.test('Dockerfile', async t => {
  const dockerfile = readFileSync(new URL('../Dockerfile', deploy), 'utf8')
  t.match(dockerfile, /^ENTRYPOINT \["node", "bin\/portico\.js"\]\nCMD \["serve"\]$/m)
  t.match(dockerfile, /^EXPOSE 8080$/m)
  t.match(dockerfile, /^USER node$/m)
  // an image without one of them would not start
  const kept = readFileSync(new URL('../.dockerignore', deploy), 'utf8').split('\n').filter(line => line.startsWith('!')).map(line => line.slice(1))
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'bin/portico.js', 'bin/node-version.js', 'src']) {
    t.ok(kept.includes(name), name)
    t.ok(existsSync(new URL(`../${name}`, deploy)), name)
  }
  const imported = [...readFileSync(new URL('../bin/portico.js', deploy), 'utf8').matchAll(/from '\.\/([^']+)'/g)].map(([, name]) => `bin/${name}`)
  t.same(imported.filter(name => !kept.includes(name)), [], 'all that bin/portico.js wants of bin/')
})

const meta = z.object({ name: z.string() })
const labels = z.record(z.string(), z.string())
const selector = z.strictObject({ matchLabels: labels })
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: z.string(), httpHeaders: z.array(z.strictObject({ name: z.string(), value: z.string() })) }).optional(),
  tcpSocket: z.strictObject({ port: z.string() }).optional(),
  periodSeconds: z.number(),
  timeoutSeconds: z.number().optional(),
  failureThreshold: z.number().optional()
})
const container = z.strictObject({
  name: z.string(),
  image: z.string(),
  args: words.optional(),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })),
  env: z.array(z.strictObject({ name: z.string(), valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }) }) })).optional(),
  envFrom: z.array(z.strictObject({ secretRef: meta })).optional(),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() })),
  resources: z.strictObject({ requests: labels, limits: labels }),
  securityContext: z.strictObject({ allowPrivilegeEscalation: z.literal(false), readOnlyRootFilesystem: z.literal(true), capabilities: z.strictObject({ drop: words }) }),
  readinessProbe: probe,
  livenessProbe: probe.optional(),
  startupProbe: probe.optional(),
  lifecycle: z.strictObject({ preStop: z.strictObject({ exec: z.strictObject({ command: words }) }) }).optional()
})
const pods = {
  selector,
  replicas: z.number(),
  template: z.strictObject({
    metadata: z.strictObject({ labels }),
    spec: z.strictObject({
      automountServiceAccountToken: z.literal(false),
      terminationGracePeriodSeconds: z.number().optional(),
      securityContext: z.strictObject({ runAsNonRoot: z.literal(true), runAsUser: z.number(), runAsGroup: z.number(), fsGroup: z.number(), seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }) }),
      topologySpreadConstraints: z.array(z.strictObject({ maxSkew: z.number(), topologyKey: z.string(), whenUnsatisfiable: z.enum(['ScheduleAnyway', 'DoNotSchedule']), labelSelector: selector })).optional(),
      containers: z.tuple([container]),
      volumes: z.array(z.strictObject({ name: z.string(), configMap: meta.optional(), emptyDir: z.strictObject({ sizeLimit: z.string() }).optional() })).optional()
    })
  })
}
const path = z.strictObject({ path: z.string(), pathType: z.enum(['Prefix', 'Exact', 'ImplementationSpecific']), backend: z.strictObject({ service: z.strictObject({ name: z.string(), port: z.strictObject({ name: z.string() }) }) }) })

/** Of the Kubernetes API, what the samples use. */
const manifest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('Namespace'), apiVersion: z.literal('v1'), metadata: meta }),
  z.strictObject({ kind: z.literal('Deployment'), apiVersion: z.literal('apps/v1'), metadata: meta, spec: z.strictObject({ ...pods, strategy: z.strictObject({ rollingUpdate: z.strictObject({ maxUnavailable: z.number(), maxSurge: z.number() }) }) }) }),
  z.strictObject({ kind: z.literal('StatefulSet'), apiVersion: z.literal('apps/v1'), metadata: meta, spec: z.strictObject({ ...pods, serviceName: z.string(), volumeClaimTemplates: z.array(z.strictObject({ metadata: meta, spec: z.strictObject({ accessModes: words, resources: z.strictObject({ requests: labels }) }) })) }) }),
  z.strictObject({ kind: z.literal('PodDisruptionBudget'), apiVersion: z.literal('policy/v1'), metadata: meta, spec: z.strictObject({ maxUnavailable: z.number(), selector }) }),
  z.strictObject({ kind: z.literal('Service'), apiVersion: z.literal('v1'), metadata: meta, spec: z.strictObject({ clusterIP: z.literal('None').optional(), selector: labels, ports: z.array(z.strictObject({ name: z.string(), port: z.number(), targetPort: z.string() })) }) }),
  z.strictObject({
    kind: z.literal('NetworkPolicy'),
    apiVersion: z.literal('networking.k8s.io/v1'),
    metadata: meta,
    spec: z.strictObject({
      podSelector: selector,
      policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
      ingress: z.array(z.strictObject({ from: z.array(z.union([z.strictObject({ namespaceSelector: selector }), z.strictObject({ podSelector: selector })])), ports: z.array(z.strictObject({ port: z.string() })) }))
    })
  }),
  z.strictObject({
    kind: z.literal('Ingress'),
    apiVersion: z.literal('networking.k8s.io/v1'),
    metadata: meta,
    spec: z.strictObject({ tls: z.array(z.strictObject({ hosts: words, secretName: z.string() })), rules: z.array(z.strictObject({ host: z.string(), http: z.strictObject({ paths: z.array(path) }) })) })
  })
])

const kustomization = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: z.string(),
  resources: words,
  generatorOptions: z.strictObject({ disableNameSuffixHash: z.boolean() }),
  configMapGenerator: z.array(z.strictObject({ name: z.string(), files: words }))
})

t.test('the Kubernetes manifests', async t => {
  const { resources, configMapGenerator, namespace, generatorOptions } = kustomization.parse(parse(read('kustomization.yaml')))
  const manifests = resources.flatMap(name => parseAllDocuments(read(name)).map(document => manifest.parse(document.toJS())))
  const workloads = manifests.flatMap(each => each.kind === 'Deployment' || each.kind === 'StatefulSet' ? [each] : [])
  t.same(workloads.map(({ metadata: { name } }) => name), ['portico', 'redis'])
  t.same(manifests.filter(({ kind }) => kind === 'Namespace').map(({ metadata: { name } }) => name), [namespace])
  t.equal(generatorOptions.disableNameSuffixHash, true, 'else a change would be of another ConfigMap, which no pod reads')

  const fits = (wanted: Record<string, string>, given: Record<string, string>) => Object.entries(wanted).every(([name, value]) => given[name] === value)
  const chosenBy = (wanted: Record<string, string>) => workloads.filter(({ spec: { template } }) => fits(wanted, template.metadata.labels))
  const portsOf = (wanted: Record<string, string>) => chosenBy(wanted).flatMap(({ spec: { template: { spec: { containers: [{ ports }] } } } }) => ports.map(({ name }) => name))

  for (const { metadata: { name }, spec: { selector, template: { metadata, spec: { containers: [{ volumeMounts, ports, readinessProbe, livenessProbe, startupProbe }], volumes = [] } } } } of workloads) {
    t.ok(fits(selector.matchLabels, metadata.labels), `${name} selects its own pods`)
    for (const probed of [readinessProbe, livenessProbe, startupProbe]) {
      const port = probed?.httpGet?.port ?? probed?.tcpSocket?.port
      if (probed !== undefined) t.ok(ports.some(each => each.name === port), `${name}: a probe of ${port}`)
      // not readyz: Redis that is away must not take every pod out
      if (probed?.httpGet !== undefined) t.match(probed.httpGet, { path: '/livez', httpHeaders: [{ name: 'Host', value: 'localhost' }] })
    }
    const claims = workloads.flatMap(({ spec }) => 'volumeClaimTemplates' in spec ? spec.volumeClaimTemplates.map(({ metadata }) => metadata.name) : [])
    for (const { name: mounted } of volumeMounts) t.ok(claims.includes(mounted) || volumes.some(volume => volume.name === mounted), `${name} mounts ${mounted}`)
    for (const { configMap } of volumes) {
      if (configMap !== undefined) t.ok(configMapGenerator.some(each => each.name === configMap.name), `${name}: ConfigMap ${configMap.name}`)
    }
  }
  for (const { files } of configMapGenerator) for (const name of files) t.ok(existsSync(at(name)), name)

  for (const each of manifests) {
    if (each.kind === 'Service') for (const { targetPort } of each.spec.ports) t.ok(portsOf(each.spec.selector).includes(targetPort), `${each.metadata.name}: ${targetPort}`)
    if (each.kind === 'PodDisruptionBudget') t.equal(chosenBy(each.spec.selector.matchLabels).length, 1)
    if (each.kind === 'NetworkPolicy') {
      for (const { ports } of each.spec.ingress) for (const { port } of ports) t.ok(portsOf(each.spec.podSelector.matchLabels).includes(port), `${each.metadata.name}: ${port}`)
    }
    if (each.kind === 'Ingress') {
      t.same(each.spec.rules.map(({ host }) => host), each.spec.tls[0]?.hosts)
      for (const { http: { paths } } of each.spec.rules) {
        for (const { backend: { service } } of paths) {
          t.ok(manifests.some(other => other.kind === 'Service' && other.metadata.name === service.name && other.spec.ports.some(({ name }) => name === service.port.name)))
        }
      }
    }
  }

  const [portico] = workloads
  t.same(portico?.spec.template.spec.containers[0].ports.map(({ containerPort }) => containerPort), [8080, 9090], 'as the configuration listens')
  t.ok((portico?.spec.template.spec.terminationGracePeriodSeconds ?? 0) >= 25, 'the wait before, and what serve gives what is under way')
  t.same(portico?.spec.template.spec.containers[0].volumeMounts.map(({ mountPath }) => mountPath), ['/app/config', '/app/organizations', '/tmp'], 'where compose.yaml has them, too')
})

/** Never in CI. */
const noKubectl = (() => {
  if (process.env.CI === 'true') return false
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' })
    return false
  } catch {
    return 'kubectl is not installed'
  }
})()

t.test('the Kubernetes manifests, put together by kubectl', { skip: noKubectl }, async t => {
  const made = parseAllDocuments(execFileSync('kubectl', ['kustomize', fileURLToPath(deploy)], { encoding: 'utf8' })).map((document): unknown => document.toJS())
  t.match(made.find(each => JSON.stringify(each).includes('"kind":"ConfigMap"')), { metadata: { name: 'portico', namespace: 'portico' }, data: { 'portico.yaml': read('config/portico.yaml') } })
  t.equal(made.length, 12)
})
