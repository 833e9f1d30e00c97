import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from '../sessions/keyring.ts'
import { attemptLifetime, isFresh, type State } from './sealed.ts'

/** What RelayState names: an attempt, and no more, since it has 80 bytes (SAML Bindings §3.4.3; behaviours S25). */
export type Relay = Pick<State, 'id' | 'connection' | 'test' | 'iat'>

const shape = /^([\w-]{16})\.([ts])([0-9a-z]{1,8})\.([\w-]{43})$/

const tagOf = (key: Buffer, connection: string, named: string): Buffer => createHmac('sha256', key).update(`${connection}|${named}`).digest()

const derived = (keys: readonly Buffer[]): Buffer[] => deriveKeys(keys, 'relay-state')

/**
 * RelayState for an attempt: its id, whether it is a test, and when it began, authenticated under the first
 * of the gateway's `keys` together with the connection. The provider can read it, and there is nothing in it
 * to be read.
 */
export const relayStateOf = (keys: readonly Buffer[], { id, connection, test, iat }: Relay): string => {
  const [key] = derived(keys)
  if (key === undefined) throw new TypeError('no keys are configured')
  const named = `${id}.${test === true ? 't' : 's'}${iat.toString(36)}`
  return `${named}.${tagOf(key, connection, named).toString('base64url')}`
}

/**
 * The attempt at this connection that `text` names, made under any of `keys` within the time that an attempt
 * has; undefined for everything else whatever. `now` in seconds.
 */
export const readRelayState = (keys: readonly Buffer[], connection: string, text: string | undefined, now: number): Relay | undefined => {
  const [, id = '', kind, began = '', tag = ''] = shape.exec(text ?? '') ?? []
  if (id === '') return undefined
  const given = Buffer.from(tag, 'base64url')
  const isOurs = derived(keys).map(key => timingSafeEqual(tagOf(key, connection, `${id}.${kind}${began}`), given)).includes(true)
  const iat = Number.parseInt(began, 36)
  if (!isOurs || !isFresh(iat, now, attemptLifetime)) return undefined
  return { id, connection, iat, ...kind === 't' && { test: true } }
}
