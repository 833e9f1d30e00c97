import { randomBytes } from 'node:crypto'
import { PorticoError } from '../../errors.ts'
import type { RedisLink, Script } from './link.ts'
import type { Names } from './names.ts'

/** Which memory a Redis has: an emptied one has none, and one that was brought back has a new one. */
export interface Epoch {
  /**
   * The one that this process lives in: at the first call the store's, founded where there is none. `mark` is what the store
   * holds of it; `since` are seconds. Throws PORTICO_STORE_UNAVAILABLE, and once it is lost nothing else.
   */
  current (): Promise<{ readonly mark: string, readonly since: number }>
  isLost (): boolean
  /** Says that the store was found without it; answers with what is to be thrown. */
  lose (): PorticoError
}

/** Founds an epoch, and says so in the stream, where there is none. Answers with the one that is there then. */
const foundScript: Script = {
  name: 'portico_found',
  lua: `
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then redis.call('XADD', KEYS[2], '*', 'kind', 'epoch', 'key', '') end
return redis.call('GET', KEYS[1])
`
}

/** Begins without knowing one. `now` in seconds. */
export const createEpoch = ({ link, names, now }: { readonly link: RedisLink, readonly names: Names, readonly now: () => number }): Epoch => {
  let joined: { readonly mark: string, readonly since: number } | undefined
  let isLost = false

  const lost = (): PorticoError => new PorticoError('PORTICO_STORE_UNAVAILABLE', {
    wanted: 'a Redis that remembers what it was told',
    got: 'one that was emptied or put back, and is being brought back',
    remedy: 'Wait a moment. If it stays so, see docs/store.md.'
  })

  return {
    async current () {
      if (isLost) throw lost()
      if (joined === undefined) {
        const mark = String(await link.run(foundScript, [names.epoch, names.stream], [`${randomBytes(12).toString('base64url')} ${Math.floor(now())}`]))
        joined ??= { mark, since: Number(mark.split(' ')[1]) }
      }
      return joined
    },
    isLost: () => isLost,
    lose () {
      isLost = true
      return lost()
    }
  }
}
