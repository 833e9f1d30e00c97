import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { selfSignedCertificate } from '../src/connections/saml/sp-certificate.ts'
import { companies } from './companies.ts'
import { placesAt, shippedPorts } from './places.ts'
import type { Places } from './places.ts'
import type { KeyPair } from './saml-xml.ts'

export interface Settings {
  readonly places: Places
  /** The main configuration file that Portico serves. */
  readonly config: string
  /** Where Portico's own log goes. */
  readonly log: string
  /** What a shell sets before it runs a command of Portico beside the demo. */
  readonly envFile: string
  /** By company id. */
  readonly secrets: ReadonlyMap<string, string>
  /** What the SAML provider signs with. */
  readonly samlKeys: KeyPair
  /** What the configuration reads from the environment. */
  readonly env: Readonly<Record<string, string>>
}

const random = (): string => randomBytes(32).toString('base64')

/** A key that outlives the demo, so that a restart ends no session. */
const keptKey = (file: string, make: () => string): string => {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const key = make()
  writeFileSync(file, `${key.trim()}\n`, { mode: 0o600 })
  return key
}

const makeRsaKey = (): string => generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** The shipped configuration, with every port of the demo `offset` higher. */
const copyConfiguration = (to: string, offset: number): void => {
  const ports = new RegExp(`\\b(?:${Object.values(shippedPorts).join('|')})\\b`, 'g')
  mkdirSync(join(to, 'organizations'), { recursive: true })
  for (const file of ['portico.yaml', ...readdirSync('config/organizations').map(name => join('organizations', name))]) {
    if (!file.endsWith('.yaml')) continue
    const text = readFileSync(join('config', file), 'utf8').replaceAll(ports, port => String(Number(port) + offset))
    writeFileSync(join(to, file), text.replace(/^# yaml-language-server:.*\n/, ''))
  }
}

/**
 * What the command line asks for: `--offset N` moves every port, `--data DIR` is where key, store and log are kept.
 * Either serves a copy of config/ in that folder; with neither, config/ itself is served. Throws a message for people.
 */
export const readSettings = (args: readonly string[]): Settings => {
  const { values } = parseArgs({ args: [...args], options: { offset: { type: 'string' }, data: { type: 'string' } } })
  const offset = Number(values.offset ?? 0)
  if (!Number.isInteger(offset) || offset < 0 || offset > 50_000) throw new Error('--offset wants a number from 0 to 50000: how much higher every port is')
  const copied = offset !== 0 || values.data !== undefined
  const data = resolve(values.data ?? (copied ? `data/offset-${offset}` : 'data'))
  mkdirSync(data, { recursive: true })
  if (copied) copyConfiguration(join(data, 'config'), offset)
  const secrets = new Map(companies.map(({ id }) => [id, random()]))
  const env = {
    PORTICO_KEY: keptKey(join(data, 'demo.key'), random),
    ...Object.fromEntries(companies.flatMap(company => company.protocol === 'oidc' ? [[company.secretVariable, secrets.get(company.id) ?? '']] : []))
  }
  const samlKey = keptKey(join(data, 'demo-saml.key'), makeRsaKey)
  const envFile = join(data, 'demo.env')
  writeFileSync(envFile, Object.entries(env).map(([name, value]) => `${name}='${value}'\n`).join(''), { mode: 0o600 })
  return {
    places: placesAt(offset),
    config: relative('', copied ? join(data, 'config/portico.yaml') : 'config/portico.yaml'),
    log: relative('', join(data, 'demo.log')),
    envFile: relative('', envFile),
    secrets,
    samlKeys: { privateKey: samlKey, certificate: selfSignedCertificate(createPrivateKey(samlKey), 'SAML of the demo') },
    env
  }
}
