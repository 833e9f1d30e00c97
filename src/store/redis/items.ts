import type { Store } from '../store.ts'
import { text } from '../text.ts'
import type { RedisLink } from './link.ts'
import type { Names } from './names.ts'
import { claimScript } from './scripts.ts'

/** Seconds for which Redis keeps an item beyond its expiry, which is judged by the store's clock alone. */
const margin = 60
/** Seconds, well within what Redis can count. */
const longest = 10 * 365 * 86_400

/** One-time items: one key each, which Redis forgets by itself. `now` in seconds. */
export const createRedisItems = ({ link, names, now }: {
  readonly link: Pick<RedisLink, 'send' | 'run'>
  readonly names: Names
  readonly now: () => number
}): Pick<Store, 'put' | 'putIfAbsent' | 'get' | 'take'> => {
  const held = (value: string, expiresAt: number): string => `${Math.floor(expiresAt)} ${text(value)}`

  const milliseconds = (expiresAt: number): number => Math.ceil(Math.min(Math.max(expiresAt - now(), 0) + margin, longest) * 1_000)

  /** The value of an item that is there and alive. */
  const alive = (answer: unknown): string | undefined => {
    if (typeof answer !== 'string') return undefined
    const space = answer.indexOf(' ')
    return Number(answer.slice(0, space)) > now() ? answer.slice(space + 1) : undefined
  }

  return {
    async put (kind, key, value, expiresAt) {
      await link.send('SET', names.item(kind, text(key)), held(value, expiresAt), 'PX', milliseconds(expiresAt))
    },

    async putIfAbsent (kind, key, value, expiresAt) {
      return await link.run(claimScript, [names.item(kind, text(key))], [held(value, expiresAt), now(), milliseconds(expiresAt)]) === 1
    },

    async get (kind, key) {
      return alive(await link.send('GET', names.item(kind, text(key))))
    },

    async take (kind, key) {
      return alive(await link.send('GETDEL', names.item(kind, text(key))))
    }
  }
}
