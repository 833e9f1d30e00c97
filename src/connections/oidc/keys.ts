import { createLocalJWKSet, type CryptoKey, type LocalJWKSet } from 'jose'
import { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import { readObject } from '../outbound/answer.ts'
import type { Outbound } from '../outbound/http.ts'
import { canName } from './issuer.ts'
import type { Reach } from '../outbound/reach.ts'
import { createSingleFlight } from '../outbound/single-flight.ts'

/** Seconds: keys are fetched anew after this, so that a withdrawn one is soon forgotten. */
const freshFor = 300
/** Seconds between two fetches that a token asked for, whatever tokens come (behaviours O14). */
const pause = 60
/** Bytes. */
const limit = 1024 * 1024

const text = z.string().exactOptional()

/** The public members alone (RFC 7518 §6): whatever else stands in a key set is nobody's business. */
const publicKey = z.object({
  kty: z.enum(['RSA', 'EC', 'OKP']),
  kid: text,
  alg: text,
  use: text,
  key_ops: z.array(z.string()).exactOptional(),
  crv: text,
  n: text,
  e: text,
  x: text,
  y: text,
  // Entra says of each key which tenants' tokens it signs
  issuer: text
})

type PublicKey = z.infer<typeof publicKey>

export interface KeySet {
  readonly jwks: { readonly keys: Omit<PublicKey, 'issuer'>[] }
  /** Seconds since the epoch. */
  readonly fetchedAt: number
  /**
   * The key of a token, as its header names it, among those that may sign for this issuer. Rejects where it is not exactly
   * one, or one that cannot be read.
   */
  signerOf (issuer: string, alg: string, kid: string | undefined): Promise<KeyObject>
}

const createKeySet = (keys: readonly PublicKey[], fetchedAt: number): KeySet => {
  // the same set each time: it remembers what it has imported
  const signers = new Map<string, LocalJWKSet>()
  const objects = new WeakMap<CryptoKey, KeyObject>()

  const signersFor = (issuer: string): LocalJWKSet => {
    const known = signers.get(issuer)
    if (known !== undefined) return known
    const own = keys.filter(key => key.issuer === undefined || canName(key.issuer, issuer))
    const found = createLocalJWKSet({ keys: own.map(({ issuer: _issuer, ...key }) => key) })
    signers.set(issuer, found)
    return found
  }

  return {
    jwks: { keys: keys.map(({ issuer: _issuer, ...key }) => key) },
    fetchedAt,
    signerOf: async (issuer, alg, kid) => {
      const key = await signersFor(issuer)({ alg, ...kid !== undefined && { kid } })
      const object = objects.get(key) ?? KeyObject.from(key)
      objects.set(key, object)
      return object
    }
  }
}

/** The signature keys of one connection's issuer. */
export interface Keys {
  readonly address: string
  /** Not older than five minutes. Throws PORTICO_IDP_*. */
  fresh (): Promise<KeySet>
  /**
   * Fetched again for a token that these keys do not explain, unless that was done within the last minute:
   * a provider may change its keys a moment after they were fetched. Throws PORTICO_IDP_*.
   */
  again (): Promise<KeySet>
}

/** One fetch for everybody, and one a minute at most for tokens signed with unknown keys (behaviours G4, O14). */
export const createKeys = (address: string, deps: {
  reach: Reach
  outbound: Outbound
  now: () => number
  good: () => void
  failed: (error: PorticoError) => void
}): Keys => {
  const { reach, outbound, now, good, failed } = deps
  let held: KeySet | undefined
  /** When a token last made us ask. Seconds. */
  let askedAt = -Infinity

  const flight = createSingleFlight(async (): Promise<KeySet> => {
    const headers = { accept: 'application/json, application/jwk-set+json' }
    const answer = await outbound.fetch(address, { method: 'GET', headers, limit }, reach)
    const { keys } = readObject(answer, `the keys at ${address}`)
    if (!Array.isArray(keys)) throw new PorticoError('PORTICO_IDP_ANSWER', { wanted: `a key set at ${address}`, got: 'something else' })
    // A key of a kind that is not known here makes no other key worse
    held = createKeySet(keys.map(key => publicKey.safeParse(key).data).filter(key => key !== undefined), now())
    good()
    return held
  }, { now, failed })

  return {
    address,
    fresh: async () => held !== undefined && now() - held.fetchedAt < freshFor ? held : flight.run(),
    again: async () => {
      if (held !== undefined && now() - askedAt < pause) return held
      const keys = await flight.run()
      askedAt = now()
      return keys
    }
  }
}
