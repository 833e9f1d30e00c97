import { createCache } from './cache.ts'
import type { Sealer } from './seal.ts'
import { freezeSession, stubSchema, wholeSchema, type Session, type Stub } from './session.ts'

/** A cookie that was opened: what it says, whatever may be thought of it today. */
export interface Opened {
  readonly value: string
  readonly issuedAt: number
  readonly facts: Stub
  /** Undefined where the store keeps it. */
  readonly session: Session | undefined
}

export interface Opener<T extends Opened> {
  /** What the cookie value at `from`…`end` of the header says, or undefined when it is none of ours. */
  open (header: string, from: number, end: number): T | undefined
}

/** Characters of sealed cookies, whose entries weigh about three times as much: 50,000 of usual size. */
const room = 45_000_000
/** Characters of what opens with no key, remembered so that it costs no decryption each time. */
const junkRoom = 500_000
/** Characters that `issue` never exceeds. */
const largest = 4_096
/** Characters at the end of a sealed value that are random: a short key that no two cookies share. */
const nonceLength = 32

/** The session id in the value of a session cookie, whether it is live or not; undefined for whatever is no such value. */
export const sidIn = (sealer: Sealer, value: string): string | undefined => {
  const sealed = value.length > largest ? undefined : sealer.open('session', value)
  return wholeSchema.safeParse(sealed).data?.session.sid ?? stubSchema.safeParse(sealed).data?.stub.sid
}

/** A string of its own: a slice would keep the whole header alive. */
const copy = (text: string): string => Buffer.from(text, 'utf8').toString('utf8')

/**
 * Opens session cookies, each once (product.md, flow 1). What a cookie says never changes, so it is
 * remembered for as long as the ring of keys stays the same; whether it still counts is asked each time.
 */
export const createOpener = <T extends Opened>(sealer: () => Sealer, entryOf: (opened: Opened) => T): Opener<T> => {
  const entries = createCache<T>(room)
  const junk = createCache<object>(junkRoom)
  let ring = sealer()

  const read = (value: string): Opened | undefined => {
    const sealed = ring.open('session', value)
    const whole = wholeSchema.safeParse(sealed)
    if (whole.success) {
      const session = freezeSession(whole.data.session)
      return { value, issuedAt: whole.data.issuedAt, facts: session, session }
    }
    const { data } = stubSchema.safeParse(sealed)
    return data === undefined ? undefined : { value, issuedAt: data.issuedAt, facts: data.stub, session: undefined }
  }

  const keyOf = (value: string): string => value.slice(-nonceLength)

  return {
    open (header, from, end) {
      if (sealer() !== ring) {
        ring = sealer()
        entries.clear()
        junk.clear()
      }
      if (end - from > largest) return undefined
      const found = entries.get(header.slice(Math.max(from, end - nonceLength), end))
      const slice = header.slice(from, end)
      // the random part alone is no proof: it may stand behind another cipher text
      if (found !== undefined && found.value === slice) return found
      if (junk.get(slice) !== undefined) return undefined
      const value = copy(slice)
      const opened = read(value)
      if (opened === undefined) {
        junk.set(value, {}, value.length)
        return undefined
      }
      const entry = entryOf(opened)
      entries.set(keyOf(value), entry, value.length)
      return entry
    }
  }
}
