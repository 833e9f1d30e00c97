import secureSession from '@fastify/secure-session'
import fastify from 'fastify'
import { deriveKeys } from './keyring.ts'

const cookies = 8_192
const stored = 2_000_000

/** Every purpose, with the characters that its sealed values have at most: browsers bring the first ones, the store keeps the others. */
const limits = {
  session: cookies,
  attempt: cookies,
  begin: cookies,
  request: cookies,
  state: cookies,
  email: cookies,
  farewell: cookies,
  test: cookies,
  ticket: stored,
  handle: stored,
  awaited: stored,
  identity: stored,
  tokens: stored
} as const

export type Purpose = keyof typeof limits

/** Authenticated encryption under the configured keys: the first key seals, every key opens. */
export interface Sealer {
  /** Answers in [A-Za-z0-9_.-]. `data` must be JSON. */
  seal (purpose: Purpose, data: Record<string, unknown>): string
  /** What was sealed for this very purpose, or undefined for anything else whatever. Never throws. */
  open (purpose: Purpose, sealed: string): Record<string, unknown> | undefined
}

const purposes = Object.keys(limits).filter((name): name is Purpose => Object.hasOwn(limits, name))

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** 24 bytes of nonce; 16 of authenticator. */
const nonceLength = 32
const shortestCipher = 22

/** Whether no other text decodes to the same bytes: base64's unused bits could be altered otherwise (E2). */
const isCanonical = (part: string): boolean => Buffer.from(part, 'base64url').toString('base64url') === part

/**
 * A sealer for this ring of 32-byte keys. @fastify/secure-session encrypts, through its encode and
 * decode functions alone: as a hook it would decode every cookie of every request, take the first of
 * duplicate cookies for the only one, and slide its own expiry (research/ecosystem.md 2.2).
 */
export const createSealer = async (keys: readonly Buffer[]): Promise<Sealer> => {
  const host = fastify({ logger: false })
  await host.register(secureSession, purposes.map(purpose => ({
    sessionName: `portico-${purpose}`,
    // a name binds nothing there: only a key of its own keeps one purpose's values out of another's (F9)
    key: deriveKeys(keys, `seal/${purpose}`),
    // a century: lifetimes are judged by whoever opens, against the configuration of that moment
    expiry: 100 * 365 * 24 * 60 * 60
  })))
  await host.ready()

  return {
    seal (purpose, data) {
      // enclosed, because the library writes a field of its own into the object it is given
      const sealed = host.encodeSecureSession(host.createSecureSession({ purpose, data }), `portico-${purpose}`)
      const [cipher = '', nonce = ''] = sealed.split(';')
      return `${Buffer.from(cipher, 'base64').toString('base64url')}.${Buffer.from(nonce, 'base64').toString('base64url')}`
    },

    open (purpose, sealed) {
      if (sealed.length > limits[purpose]) return undefined
      const dot = sealed.length - nonceLength - 1
      if (dot < shortestCipher || sealed[dot] !== '.') return undefined
      const cipher = sealed.slice(0, dot)
      const nonce = sealed.slice(dot + 1)
      if (!isCanonical(cipher) || !isCanonical(nonce)) return undefined
      try {
        const opened: unknown = host.decodeSecureSession(`${cipher};${nonce}`, host.log, `portico-${purpose}`)?.data()
        return isRecord(opened) && opened.purpose === purpose && isRecord(opened.data) ? opened.data : undefined
      } catch {
        // authentic but not JSON: sealed by nobody who is known here
        return undefined
      }
    }
  }
}
