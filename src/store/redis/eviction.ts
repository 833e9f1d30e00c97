import type { Log } from '../../telemetry/log.ts'
import type { RedisLink } from './link.ts'

/**
 * Looks whether Redis drops what it was given to keep when its memory is full, and says so, once for each policy. A
 * revocation that was dropped is known to nobody who starts later. Who may not look says nothing. Never rejects.
 */
export const createEvictionLook = ({ link, log }: { readonly link: Pick<RedisLink, 'send'>, readonly log: Log }): () => Promise<void> => {
  let said = 'noeviction'
  return async () => {
    const info = String(await link.send('INFO', 'memory').catch(() => ''))
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
    if (policy === undefined || policy === said) return
    said = policy
    if (policy !== 'noeviction') log.error({ maxmemory_policy: policy }, 'Redis drops what it was given to keep when its memory is full: its maxmemory-policy must be noeviction')
  }
}
