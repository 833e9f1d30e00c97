import { readCertificates, checkKey } from '../pem.ts'
import { decodeKey } from '../keys.ts'
import type { Contents } from '../references.ts'
import type { Report } from '../reporter.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import { seconds } from '../schema/values.ts'
import type { Path } from '../source.ts'
import type { Draft } from '../walk.ts'
import { checkStore } from './store.ts'

const checkKeys = (file: string, settings: Draft<PorticoSettings>, contents: Contents, report: Report): void => {
  const seen = new Map<string, number>()
  for (const index of settings.keys?.keys() ?? []) {
    const path: Path = ['keys', index]
    const text = contents(file, path)
    if (text === undefined) continue
    const key = decodeKey(text)
    if (key === undefined) {
      report({ file, path, message: 'is not base64 of 32 bytes', remedy: 'make one with: portico keys new' })
      continue
    }
    if (key.every(byte => byte === key[0])) {
      report({ file, path, message: 'is no random key', remedy: 'make one with: portico keys new' })
    }
    const name = key.toString('hex')
    const first = seen.get(name)
    if (first !== undefined) report({ file, path, message: `is the same key as keys[${first}]`, remedy: 'keep one of the two' })
    else seen.set(name, index)
  }
}

/** A PEM certificate (chain), and the key that must belong to it. */
export const checkPair = (file: string, path: Path, contents: Contents, report: Report): void => {
  const chain = contents(file, [...path, 'certificate'])
  const certificates = chain === undefined ? undefined : readCertificates(chain)
  if (chain !== undefined && certificates === undefined) {
    report({ file, path: [...path, 'certificate'], message: 'the file holds no PEM certificate', remedy: 'name a file with -----BEGIN CERTIFICATE-----' })
  }
  const key = contents(file, [...path, 'key'])
  if (key === undefined) return
  const verdict = checkKey(key, certificates?.[0])
  if (verdict === 'unreadable') {
    report({ file, path: [...path, 'key'], message: 'is not an unencrypted PEM private key', remedy: 'name one with -----BEGIN PRIVATE KEY-----' })
  } else if (verdict === 'another') {
    report({ file, path: [...path, 'key'], message: 'does not belong to the certificate', remedy: 'name the key that the first certificate was made for' })
  }
}

const checkAuthorities = (file: string, path: Path, contents: Contents, report: Report): void => {
  const text = contents(file, path)
  if (text !== undefined && readCertificates(text) === undefined) {
    report({ file, path, message: 'the file holds no PEM certificate', remedy: 'name a file with -----BEGIN CERTIFICATE-----' })
  }
}

/** Keys, certificates and lifetimes of the main file. */
export const checkGateway = (file: string, settings: Draft<PorticoSettings>, contents: Contents, report: Report): void => {
  checkKeys(file, settings, contents, report)
  checkPair(file, ['listen', 'tls'], contents, report)
  checkAuthorities(file, ['outbound', 'ca'], contents, report)
  checkPair(file, ['store', 'tls'], contents, report)
  checkAuthorities(file, ['store', 'tls', 'ca'], contents, report)
  checkStore(file, settings.store, contents, report)
  for (const [id, app] of Object.entries(settings.apps ?? {})) {
    const paths: Path[] = [['apps', id, 'upstream', 'tls'], ...Object.keys(app?.regions ?? {}).map(region => ['apps', id, 'regions', region, 'upstream', 'tls'])]
    for (const path of paths) {
      checkPair(file, path, contents, report)
      checkAuthorities(file, [...path, 'ca'], contents, report)
    }
  }
  const { idle, absolute } = settings.session ?? {}
  if (idle !== undefined && absolute !== undefined && seconds(idle) > seconds(absolute)) {
    report({ file, path: ['session', 'idle'], message: `${idle} is longer than session.absolute (${absolute})`, remedy: 'make it shorter, or absolute longer' })
  }
  const token = contents(file, ['ops', 'token'])
  if (token !== undefined && !/^[\x21-\x7e]{16,}$/.test(token)) {
    report({ file, path: ['ops', 'token'], message: 'is too short or cannot be sent in a header', remedy: 'use at least 16 printable characters without spaces' })
  }
  for (const [index, proxy] of settings.trusted_proxies?.entries() ?? []) {
    if (proxy?.endsWith('/0') === true) {
      report({ file, path: ['trusted_proxies', index], severity: 'warning', message: 'believes the X-Forwarded-* of everybody', remedy: 'name the addresses of your proxies' })
    }
  }
}
