import { createCipheriv, createHash, createPublicKey, publicEncrypt, randomBytes, constants } from 'node:crypto'
import { namespaces } from './message.ts'

const xenc11 = 'http://www.w3.org/2009/xmlenc11#'

export const dataCiphers = {
  'aes128-gcm': { uri: `${xenc11}aes128-gcm`, cipher: 'aes-128-gcm', key: 16, iv: 12 },
  'aes192-gcm': { uri: `${xenc11}aes192-gcm`, cipher: 'aes-192-gcm', key: 24, iv: 12 },
  'aes256-gcm': { uri: `${xenc11}aes256-gcm`, cipher: 'aes-256-gcm', key: 32, iv: 12 },
  'aes128-cbc': { uri: `${namespaces.encryption}aes128-cbc`, cipher: 'aes-128-cbc', key: 16, iv: 16 },
  'aes256-cbc': { uri: `${namespaces.encryption}aes256-cbc`, cipher: 'aes-256-cbc', key: 32, iv: 16 },
  tripledes: { uri: `${namespaces.encryption}tripledes-cbc`, cipher: 'des-ede3-cbc', key: 24, iv: 8 }
} as const

export type DataCipher = keyof typeof dataCiphers

/** Key transports. Of `rsa-oaep` digest and MGF1 hash are one: Node has no others. */
export const keyTransports = {
  'rsa-oaep-mgf1p': { uri: `${namespaces.encryption}rsa-oaep-mgf1p`, hash: 'sha1' },
  'rsa-oaep-sha1': { uri: `${xenc11}rsa-oaep`, hash: 'sha1' },
  'rsa-oaep-sha256': { uri: `${xenc11}rsa-oaep`, hash: 'sha256' },
  'rsa-oaep-sha512': { uri: `${xenc11}rsa-oaep`, hash: 'sha512' },
  'rsa-1_5': { uri: `${namespaces.encryption}rsa-1_5`, hash: undefined }
} as const

export type KeyTransport = keyof typeof keyTransports

export interface EncryptionOptions {
  readonly data?: DataCipher
  readonly key?: KeyTransport
  /** EncryptedKey inside the data's KeyInfo, or as its sibling. */
  readonly place?: 'inside' | 'beside'
  /** Element that wraps the data. */
  readonly wrapper?: string
  /** Changes what is encrypted, and what comes out: the last word for whoever breaks things. */
  readonly plain?: (plain: Buffer) => Buffer
  readonly cipherText?: (bytes: Buffer) => Buffer
  readonly wrappedKey?: (bytes: Buffer) => Buffer
}

const pad = (plain: Buffer, block: number): Buffer => {
  const missing = block - plain.length % block
  return Buffer.concat([plain, randomBytes(missing - 1), Buffer.from([missing])])
}

const seal = (name: typeof dataCiphers[DataCipher]['cipher'], key: Buffer, iv: Buffer, plain: Buffer): Buffer => {
  if (name === 'aes-128-gcm' || name === 'aes-192-gcm' || name === 'aes-256-gcm') {
    const cipher = createCipheriv(name, key, iv)
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }
  const cipher = createCipheriv(name, key, iv).setAutoPadding(false)
  return Buffer.concat([cipher.update(pad(plain, iv.length)), cipher.final()])
}

const same = (bytes: Buffer): Buffer => bytes

const transportDigest = { sha1: `${namespaces.signature}sha1`, sha256: `${namespaces.encryption}sha256`, sha512: `${namespaces.encryption}sha512` } as const

/** One element as `saml:EncryptedAssertion` (XML Encryption 1.1): for the certificate's or public key's owner alone. */
export const encryptElement = (element: string, pem: string, options: EncryptionOptions = {}): string => {
  const data = dataCiphers[options.data ?? 'aes256-gcm']
  const transport = keyTransports[options.key ?? 'rsa-oaep-mgf1p']
  const wrapper = options.wrapper ?? 'saml:EncryptedAssertion'
  const key = randomBytes(data.key)
  const iv = randomBytes(data.iv)
  const plain = (options.plain ?? same)(Buffer.from(element))
  const sealed = Buffer.concat([iv, seal(data.cipher, key, iv, plain)])
  const publicKey = createPublicKey(pem)
  const wrapped = transport.hash === undefined
    ? publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key)
    : publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: transport.hash }, key)
  const digest = transport.hash === undefined
    ? ''
    : `<ds:DigestMethod xmlns:ds="${namespaces.signature}" Algorithm="${transportDigest[transport.hash]}"/>`
  const mgf = transport.uri === `${xenc11}rsa-oaep` ? `<xenc11:MGF xmlns:xenc11="${xenc11}" Algorithm="${xenc11}mgf1${transport.hash}"/>` : ''
  const value = (bytes: Buffer): string => `<xenc:CipherData><xenc:CipherValue>${bytes.toString('base64')}</xenc:CipherValue></xenc:CipherData>`
  const id = `_${createHash('sha1').update(iv).digest('hex')}`
  const encryptedKey = `<xenc:EncryptedKey xmlns:xenc="${namespaces.encryption}" Id="${id}"><xenc:EncryptionMethod Algorithm="${transport.uri}">${digest}${mgf}</xenc:EncryptionMethod>${value((options.wrappedKey ?? same)(wrapped))}</xenc:EncryptedKey>`
  const beside = options.place === 'beside'
  const keyInfo = `<ds:KeyInfo xmlns:ds="${namespaces.signature}">${beside ? `<ds:RetrievalMethod Type="${namespaces.encryption}EncryptedKey" URI="#${id}"/>` : encryptedKey}</ds:KeyInfo>`
  return [
    `<${wrapper} xmlns:saml="${namespaces.assertion}">`,
    `<xenc:EncryptedData xmlns:xenc="${namespaces.encryption}" Type="${namespaces.encryption}Element"><xenc:EncryptionMethod Algorithm="${data.uri}"/>${keyInfo}${value((options.cipherText ?? same)(sealed))}</xenc:EncryptedData>`,
    beside ? encryptedKey : '',
    `</${wrapper}>`
  ].join('')
}
