import { constants, createDecipheriv, createPrivateKey, privateDecrypt, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'
import { hashOf } from './algorithms.ts'
import { attributeOf, childNamed, childrenNamed, declarationsFor, namespaces, readXml, textOf } from './document.ts'
import { decodeBase64, decodeText, messageLimits } from './screen.ts'

/** What may open what was encrypted for us. */
export interface DecryptionExpectations {
  /** PEM, each of an RSA key. */
  readonly decryptionKeys: readonly string[]
  readonly allowCbc: boolean
}

const { encryption: xenc, encryption11: xenc11, signature: ds } = namespaces

interface Cipher {
  readonly mode: 'gcm' | 'cbc'
  /** Bytes of its key. */
  readonly key: 16 | 24 | 32
}

const ciphers: ReadonlyMap<string, Cipher> = new Map(([16, 24, 32] as const).flatMap<[string, Cipher]>(key => [
  [`${xenc11}aes${key * 8}-gcm`, { mode: 'gcm', key }],
  [`${xenc}aes${key * 8}-cbc`, { mode: 'cbc', key }]
]))

/** Recipients of one message: each costs an RSA operation for each of our keys. */
const mostKeys = 4
const tagLength = 16

const unaccepted = (wanted: string, got: string | undefined): never => {
  throw new PorticoError('PORTICO_SAML_ALGORITHM', { wanted, got: got === undefined ? 'none' : foreignText(got) })
}

/** Whatever did not work, it reads alike: which step it was would help whoever tries texts of their own. */
const closed = (): never => { throw new PorticoError('PORTICO_SAML_ENCRYPTION', { wanted: 'something encrypted for one of our keys', got: 'something that none of them opens' }) }

const cipherOf = (data: Element, allowCbc: boolean): Cipher => {
  const method = childNamed(data, xenc, 'EncryptionMethod')
  const uri = method && attributeOf(method, 'Algorithm')
  const cipher = ciphers.get(uri ?? '')
  return cipher === undefined || (cipher.mode === 'cbc' && !allowCbc) ? unaccepted('EncryptionMethod AES-GCM', uri) : cipher
}

/** Hash of an RSA-OAEP that Node can do: the one of its digest and of its mask are one (XML Encryption 1.1 §5.5.2). */
const oaepHashOf = (key: Element): string => {
  const method = childNamed(key, xenc, 'EncryptionMethod')
  const uri = method && attributeOf(method, 'Algorithm')
  if (method === undefined || (uri !== `${xenc}rsa-oaep-mgf1p` && uri !== `${xenc11}rsa-oaep`)) return unaccepted('key transport RSA-OAEP', uri)
  const digest = childNamed(method, ds, 'DigestMethod')
  const hash = digest === undefined ? 'sha1' : hashOf(attributeOf(digest, 'Algorithm'), true)
  const mask = childNamed(method, xenc11, 'MGF')
  const maskUri = mask === undefined ? `${xenc11}mgf1sha1` : attributeOf(mask, 'Algorithm')
  if (hash === undefined || maskUri !== `${xenc11}mgf1${hash}` || childNamed(method, xenc, 'OAEPparams') !== undefined) {
    return unaccepted('RSA-OAEP whose digest and mask are of one hash, without parameters', `digest ${hash}, mask ${maskUri}`)
  }
  return hash
}

const valueOf = (element: Element): Buffer => {
  const data = childNamed(element, xenc, 'CipherData')
  const value = data && childNamed(data, xenc, 'CipherValue')
  return value === undefined ? closed() : decodeBase64(textOf(value), messageLimits.bytes)
}

/** The key inside, or one that opens nothing: what follows takes the same steps, and fails there. */
const unwrap = (wrapped: Buffer, key: KeyObject, oaepHash: string, length: number): Buffer => {
  const none = randomBytes(length)
  try {
    const bytes = privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, wrapped)
    return bytes.length === length ? bytes : none
  } catch {
    return none
  }
}

const open = ({ mode, key: length }: Cipher, key: Buffer, bytes: Buffer): Buffer | undefined => {
  try {
    if (mode === 'gcm') {
      const iv = bytes.subarray(0, 12)
      const decipher = createDecipheriv(`aes-${length === 16 ? 128 : length === 24 ? 192 : 256}-gcm`, key, iv, { authTagLength: tagLength }).setAuthTag(bytes.subarray(-tagLength))
      return Buffer.concat([decipher.update(bytes.subarray(12, -tagLength)), decipher.final()])
    }
    const decipher = createDecipheriv(`aes-${length * 8}-cbc`, key, bytes.subarray(0, 16)).setAutoPadding(false)
    const padded = Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()])
    // The last byte counts what was added, and nothing says what the others of it are (XML Encryption §5.2).
    const added = padded.at(-1) ?? 0
    return added >= 1 && added <= 16 ? padded.subarray(0, -added) : undefined
  } catch {
    return undefined
  }
}

/** Every EncryptedKey of a message: inside of the data's KeyInfo, or beside it. Which one RetrievalMethod names is not asked: all are tried. */
const encryptedKeysOf = (wrapper: Element, data: Element): readonly Element[] => {
  const info = childNamed(data, ds, 'KeyInfo')
  return [...info === undefined ? [] : childrenNamed(info, xenc, 'EncryptedKey'), ...childrenNamed(wrapper, xenc, 'EncryptedKey')]
}

/** What was encrypted, in its place (XML Encryption §4.4): with the namespaces around it that it does not declare itself. The screen has seen to it that they need no escaping. */
const inScope = (text: string, scope: ReadonlyMap<string, string>): string => {
  const [, start = '', declared = '', rest = ''] = /^(\s*(?:<\?xml[^>]*>\s*)?<[\w:.-]+)([^>]*)(.*)$/s.exec(text) ?? []
  const missing = [...scope].filter(([name]) => !new RegExp(`\\s${name}\\s*=`).test(declared))
  return `${start}${missing.map(([name, value]) => ` ${name}="${value}"`).join('')}${declared}${rest}`
}

const read = (bytes: Buffer | undefined, scope: ReadonlyMap<string, string>): Element | undefined => {
  try {
    return bytes && readXml(inScope(decodeText(bytes, messageLimits), scope))
  } catch {
    return undefined
  }
}

/**
 * Opens what an EncryptedAssertion or EncryptedID (`wrapper`) holds (SAML Core §6, XML Encryption 1.1): AES-GCM,
 * by key transport with RSA-OAEP; AES-CBC where it is allowed. What comes out is screened and read like a
 * message, and not believed: whether somebody signed it is the caller's question. Throws PORTICO_SAML_ALGORITHM
 * for what it names as its algorithms, before any key is used; PORTICO_SAML_ENCRYPTION for all else.
 */
export const decrypt = (wrapper: Element, { decryptionKeys, allowCbc }: DecryptionExpectations): Element => {
  const data = childNamed(wrapper, xenc, 'EncryptedData') ?? closed()
  const cipher = cipherOf(data, allowCbc)
  const wrapped = encryptedKeysOf(wrapper, data).map(key => ({ hash: oaepHashOf(key), bytes: valueOf(key) }))
  if (wrapped.length > mostKeys) closed()
  const bytes = valueOf(data)
  // No key is left out once another one fits: that would be seen in the time it takes.
  const opened = decryptionKeys.map(pem => createPrivateKey(pem)).flatMap(key =>
    wrapped.map(({ hash, bytes: inside }) => open(cipher, unwrap(inside, key, hash, cipher.key), bytes)))
  // What is encrypted stands for the wrapper's child.
  const scope = declarationsFor(wrapper)
  for (const plain of opened) {
    const element = read(plain, scope)
    if (element !== undefined) return element
  }
  return closed()
}
