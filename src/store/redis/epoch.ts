import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { PorticoError } from '../../errors.ts'
import type { RedisLink, Script } from './link.ts'
import type { Names } from './names.ts'

/** What Redis holds of an epoch, and the second it was founded in. */
export interface Known {
  readonly mark: string
  readonly since: number
}

/** Which memory a Redis has: an emptied one has none, and one that was brought back has a new one. */
export interface Epoch {
  /**
   * The one that this process lives in: at the first call the store's, founded where there is none. Throws
   * PORTICO_STORE_UNAVAILABLE, and once it is lost nothing else.
   */
  current (): Promise<Known>
  isLost (): boolean
  /** Says that the store was found without it, or without the one of `mark`, which may be over by now; answers with what is to be thrown. */
  lose (mark?: string): PorticoError
  /** As `lose`, where the mark that was found is not the one that is known. */
  check (mark: unknown): void
  /** The mark of the one that this process lives in, or has lost. */
  known (): string | undefined
  /** Lives in another one from now on. */
  join (mark: string): void
}

/** Milliseconds between looks whether somebody else brings everything back. */
const glance = 100

/** Founds an epoch, and says so in the stream, where there is none and nobody brings one back. Answers with the one that is there then. */
const foundScript: Script = {
  name: 'portico_found',
  lua: `
if redis.call('EXISTS', KEYS[3]) == 0 and redis.call('SET', KEYS[1], ARGV[1], 'NX') then
  redis.call('XADD', KEYS[2], '*', 'kind', 'epoch', 'key', '')
end
return redis.call('GET', KEYS[1])
`
}

/** A new mark. `now` in seconds. */
export const newMark = (now: number): string => `${randomBytes(12).toString('base64url')} ${Math.floor(now)}`

const knownOf = (mark: string): Known => ({ mark, since: Number(mark.split(' ')[1]) })

/**
 * Begins without knowing one. `patience` are milliseconds for which an empty Redis is left to others that may know
 * what was in it. `now` in seconds.
 */
export const createEpoch = ({ link, names, now, patience = 0, founded = () => {} }: {
  readonly link: RedisLink
  readonly names: Names
  readonly now: () => number
  readonly patience?: number
  /** Called when this process has founded one. */
  readonly founded?: () => void
}): Epoch => {
  let joined: Known | undefined
  let joining: Promise<Known> | undefined
  let isLost = false

  const lost = (): PorticoError => new PorticoError('PORTICO_STORE_UNAVAILABLE', {
    wanted: 'a Redis that remembers what it was told',
    got: 'one that was emptied or put back, and is being brought back',
    remedy: 'Wait a moment. If it stays so, see docs/store.md.'
  })

  const find = async (): Promise<Known> => {
    for (let until = Date.now() + patience; ;) {
      const mine = newMark(now())
      // whoever brings it back may end before it is done: another one does it then
      if (await link.send('EXISTS', names.lock) === 1) until = Date.now() + patience
      const held = Date.now() < until ? await link.send('GET', names.epoch) : await link.run(foundScript, [names.epoch, names.stream, names.lock], [mine])
      if (typeof held === 'string') {
        if (held === mine) founded()
        joined ??= knownOf(held)
        return joined
      }
      await wait(glance)
    }
  }

  const epoch: Epoch = {
    async current () {
      if (isLost) throw lost()
      if (joined !== undefined) return joined
      joining ??= find().finally(() => { joining = undefined })
      return joining
    },
    isLost: () => isLost,
    lose (mark = joined?.mark) {
      if (mark === joined?.mark) isLost = true
      return lost()
    },
    check (mark) {
      if (joined !== undefined && mark !== joined.mark) isLost = true
    },
    known: () => joined?.mark,
    join (mark) {
      joined = knownOf(mark)
      isLost = false
    }
  }
  return epoch
}
