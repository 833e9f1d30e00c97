import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyPair } from './simplesamlphp/certificate.ts'
import { freePort, startPhp } from './simplesamlphp/php.ts'
import { authSourcesOf, configOf, hostedOf, remotesOf, type Place, type ServiceProvider, type User } from './simplesamlphp/settings.ts'

export interface SimpleSamlOptions {
  readonly serviceProviders: readonly ServiceProvider[]
  readonly users: readonly User[]
  /**
   * How assertions are encrypted. As shipped, and when left out: AES-128-CBC, its key by RSA-OAEP (MGF1, SHA-1).
   * It has no setting for that; `aes128-gcm` changes the one constant in its library, as the file is loaded.
   */
  readonly encryption?: 'aes128-cbc' | 'aes128-gcm'
}

export interface SimpleSaml {
  readonly entityId: string
  readonly metadataUrl: string
  readonly ssoUrl: string
  readonly sloUrl: string
  /** PEM of the certificate whose key signs now. */
  readonly certificate: string
  /**
   * `publish`: metadata shows a further certificate, the old key still signs. `switch`: the certificate published last
   * (a new one when there is none) signs, and the old one leaves the metadata.
   */
  rollover (step: 'publish' | 'switch'): Promise<void>
  /** Knows these from the next request on, and no others. */
  setServiceProviders (serviceProviders: readonly ServiceProvider[]): Promise<void>
  /** Where IdP-initiated sign-in begins; leads to the sign-in page unless somebody is signed in there. */
  idpInitiatedUrl (spEntityId: string, relayState?: string): string
  /** Signs out at the IdP, then at one service provider after the other by redirects, then leads to `returnTo`. */
  logoutUrl (returnTo: string): string
  /** What it has logged, warnings and worse among it. */
  printed (): string
  close (): Promise<void>
}

const shipped = '/usr/share/simplesamlphp'
const metadataPath = '/saml2/idp/metadata.php'
const needs = 'needs Debian\'s simplesamlphp, php-cli and php-xml'

/** Whether Debian's simplesamlphp and php-cli are installed. */
export const hasSimpleSaml = (): boolean => existsSync(join(shipped, 'www', metadataPath)) && existsSync('/usr/bin/php')

/** Why there can be no SimpleSAMLphp here; never in CI, where its absence is a failure. */
export const noSimpleSaml: string | false = hasSimpleSaml() || process.env.CI === 'true' ? false : needs

/** Replaces a whole file at once: requests read it meanwhile. */
const replace = async (path: string, content: string): Promise<void> => {
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
}

/** PHP that reads its variable from a JSON file beside it, whenever it is asked. */
const reading = (variable: string, json: string): string =>
  `<?php $${variable} = json_decode(file_get_contents(__DIR__ . '/${json}'), true, 512, JSON_THROW_ON_ERROR);\n`

const writeSettings = async (folder: string, variable: 'config' | 'metadata', name: string, value: object): Promise<void> => {
  await replace(join(folder, `${name}.json`), JSON.stringify(value))
  await replace(join(folder, `${name}.php`), reading(variable, `${name}.json`))
}

/** PHP that is to be loaded before everything else, when the shipped cipher will not do. */
const writePrelude = async (folder: string): Promise<string> => {
  const library = await readFile(join(shipped, 'vendor/simplesamlphp/saml2/src/SAML2/EncryptedAssertion.php'), 'utf8')
  const changed = library.replace('new XMLSecurityKey(XMLSecurityKey::AES128_CBC)', 'new XMLSecurityKey(XMLSecurityKey::AES128_GCM)')
  if (changed === library) throw new Error('this SimpleSAMLphp encrypts otherwise: aes128-gcm is not to be had')
  const prelude = join(folder, 'prelude.php')
  await writeFile(prelude, changed)
  return prelude
}

/**
 * SimpleSAMLphp as Debian packages it, as identity provider on 127.0.0.1 at a port of its own, with keys made now
 * and everything it writes in a temporary folder. Its sign-in page asks for `username` and `password`.
 * Throws when the packages are missing or PHP does not start.
 */
export const startSimpleSaml = async (options: SimpleSamlOptions): Promise<SimpleSaml> => {
  if (!hasSimpleSaml()) throw new Error(needs)
  const folder = await mkdtemp(join(tmpdir(), 'portico-simplesamlphp-'))
  const port = await freePort()
  const base = `http://127.0.0.1:${port}/`
  const place: Place = { port, folder, base, entityId: `${base}${metadataPath.slice(1)}` }
  for (const name of ['cert', 'config', 'data', 'log', 'metadata', 'sessions', 'tmp']) await mkdir(join(folder, name))

  let made = 0
  const makeKey = async (): Promise<{ name: string, certificate: string }> => {
    const name = `idp-${++made}`
    const { key, certificate } = await createKeyPair(name)
    await writeFile(join(folder, 'cert', `${name}.key`), key)
    await writeFile(join(folder, 'cert', `${name}.crt`), certificate)
    return { name, certificate }
  }
  let signing = await makeKey()
  let next: typeof signing | undefined
  const writeHosted = async (): Promise<void> => {
    await writeSettings(join(folder, 'metadata'), 'metadata', 'saml20-idp-hosted', hostedOf(place, signing.name, next?.name))
  }
  const setServiceProviders: SimpleSaml['setServiceProviders'] = async providers => {
    await writeSettings(join(folder, 'metadata'), 'metadata', 'saml20-sp-remote', remotesOf(providers))
  }

  await writeSettings(join(folder, 'config'), 'config', 'config', configOf(place))
  await writeSettings(join(folder, 'config'), 'config', 'authsources', authSourcesOf(options.users))
  await writeHosted()
  await setServiceProviders(options.serviceProviders)
  const php = await startPhp({
    port,
    root: join(shipped, 'www'),
    env: { SIMPLESAMLPHP_CONFIG_DIR: join(folder, 'config') },
    prelude: options.encryption === 'aes128-gcm' ? await writePrelude(folder) : undefined,
    ready: metadataPath
  }).catch(async error => {
    await rm(folder, { recursive: true })
    throw error
  })

  const ssoUrl = `${base}saml2/idp/SSOService.php`
  return {
    entityId: place.entityId,
    metadataUrl: place.entityId,
    ssoUrl,
    sloUrl: `${base}saml2/idp/SingleLogoutService.php`,
    get certificate () { return signing.certificate },
    rollover: async step => {
      next ??= await makeKey()
      if (step === 'switch') [signing, next] = [next, undefined]
      await writeHosted()
    },
    setServiceProviders,
    idpInitiatedUrl: (spEntityId, relayState) =>
      `${ssoUrl}?${new URLSearchParams({ spentityid: spEntityId, ...relayState !== undefined && { RelayState: relayState } })}`,
    logoutUrl: returnTo => `${base}saml2/idp/initSLO.php?${new URLSearchParams({ RelayState: returnTo })}`,
    printed: php.printed,
    close: async () => {
      await php.close()
      await rm(folder, { recursive: true })
    }
  }
}
