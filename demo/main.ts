import type { Server } from 'node:http'
import { createApp } from './app.ts'
import { companies } from './companies.ts'
import { afterLogoutUriOf, logoutUrisOf, redirectUriOf, samlAddressesOf } from '../src/config/links.ts'
import { close, listen, mustBeFree } from './listen.ts'
import type { Places } from './places.ts'
import { startPortico } from './portico.ts'
import type { RunningPortico } from './portico.ts'
import { createProvider } from './provider.ts'
import { createSamlProvider } from './saml-provider.ts'
import { readSettings } from './settings.ts'
import type { Settings } from './settings.ts'

const startProviders = async ({ places, secrets, samlKeys }: Settings): Promise<Server> => {
  const origin = `http://idp.localhost:${places.provider}`
  const handlers = new Map(await Promise.all(companies.map(async company => {
    const handler = company.protocol === 'saml'
      ? createSamlProvider(company, { origin, metadataUrl: samlAddressesOf(places.authOrigin, company.connection).metadata, keys: samlKeys, apps: places.apps })
      : await createProvider(company, {
        origin,
        redirectUri: redirectUriOf(places.authOrigin, { id: company.connection, callback: 'own' }),
        afterLogoutUri: afterLogoutUriOf(places.authOrigin),
        backChannelUri: logoutUrisOf(places.authOrigin, company.connection).backChannel,
        secret: secrets.get(company.id) ?? ''
      })
    return [company.id, handler] as const
  })))
  return await listen(places.provider, 'the identity providers', (request, response) => {
    const handle = handlers.get(/^\/([^/?]*)/.exec(request.url ?? '')?.[1] ?? '')
    if (handle === undefined) response.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is no such company here.\n')
    else handle(request, response)
  })
}

const ownPages = ({ gateway }: Places): string => companies
  .flatMap(({ name, loginHost }) => loginHost === undefined ? [] : [`            or at ${name}’s own page, http://${loginHost}.localhost:${gateway}\n`]).join('')

const tiles = ({ provider }: Places): string => companies
  .flatMap(({ id, name, protocol }) => protocol === 'saml' ? [`            or from the tiles of ${name}, which speaks SAML, http://idp.localhost:${provider}/${id}/\n`] : []).join('')

const welcome = ({ places, config, log, envFile }: Settings): string => `
Portico is ready.

  open      ${places.apps.map(({ origin }) => origin).join('\n            ')}

  sign in   ${companies.map(({ name, accounts }) => `${accounts.filter(({ remark }) => remark === undefined).map(({ email }) => email).join(', ')} at ${name}`).join('\n            ')}
            with any password
${ownPages(places)}${tiles(places)}
  change    ${config} and its organizations/: what you save is in force at once
  ask       set -a; . ${envFile}; set +a     (once, in another shell)
            npm run --silent portico -- explain --config ${config} --email ada@acme.example --url ${places.apps[0]?.origin ?? ''}
            npm run --silent portico -- doctor --config ${config}
  look at   http://127.0.0.1:${places.ops}/metrics
  log       ${log}

Ctrl-C ends everything.
`

const say = (line: string): void => { console.log(line) }

/**
 * The demo: four identity providers, four apps, and Portico in front of them, until a signal ends it.
 * Answers with the exit status.
 */
export const main = async (args: readonly string[]): Promise<number> => {
  const servers: Server[] = []
  let portico: RunningPortico | undefined
  const stopped = new Promise<'signal'>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { resolve('signal') })
    // npm tells a signal of its own to its shell only, which ends without a word to this process.
    const parent = process.ppid
    if (process.env.npm_lifecycle_event !== undefined) setInterval(() => { if (process.ppid !== parent) resolve('signal') }, 250).unref()
  })
  try {
    const settings = readSettings(args)
    await mustBeFree(settings.places.gateway, 'Portico')
    await mustBeFree(settings.places.ops, 'Portico’s health and metrics')
    servers.push(await startProviders(settings))
    for (const app of settings.places.apps) {
      const others = settings.places.apps.filter(other => other !== app)
      servers.push(await listen(app.port, app.name, createApp(app, others, { issuer: settings.places.authOrigin })))
    }
    portico = await startPortico(settings, line => { say(`· ${line}`) })
    say(welcome(settings))
    const end = await Promise.race([stopped, portico.ended.then(complaints => ({ complaints }))])
    if (end === 'signal') return 0
    throw new Error(`Portico has ended: ${end.complaints || `see ${settings.log}`}`)
  } catch (error) {
    console.error(`portico demo: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    await Promise.all([portico?.close(), ...servers.map(close)])
  }
}
