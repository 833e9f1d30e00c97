import { setImmediate } from 'node:timers/promises'
import type { Store } from '../store.ts'
import { createRedisApiKeys } from './api-keys.ts'
import { createRedisChanges } from './changes.ts'
import { createCommit } from './commit.ts'
import type { Epoch } from './epoch.ts'
import { createRedisItems } from './items.ts'
import type { RedisLink } from './link.ts'
import { createRedisMembers } from './members.ts'
import { createNames } from './names.ts'
import type { RecordReader } from './record.ts'
import { createRecords } from './records.ts'
import { createRedisRevocations } from './revocations.ts'
import { expireScript } from './scripts.ts'
import { createRedisSeen } from './seen.ts'
import { createRedisSessions } from './sessions.ts'
import { isBefore } from './stream.ts'
import { createRedisTrust } from './trust.ts'

/** Revocations or sessions that one script forgets at most, so that a sweep never holds up a sign-in. */
const batch = 1_000

/**
 * The store of many machines (docs/decisions/0013). `prefix` begins the name of every key. `reading` may answer what is only read
 * otherwise than Redis does; `restore` is what Store says. `now` in seconds.
 */
export const createRedisStore = (deps: {
  readonly link: RedisLink
  readonly prefix: string
  readonly epoch: Epoch
  readonly reading?: (records: RecordReader) => RecordReader
  readonly restore: Store['restore']
  readonly now?: () => number
}): Store => {
  const { link, prefix, epoch, reading = records => records, restore, now = () => Date.now() / 1000 } = deps
  const names = createNames(prefix)
  /** The latest place in the stream of the epoch that this process has written to. */
  let written = { mark: '', id: '' }

  const commit = createCommit({
    link,
    names,
    epoch,
    wrote (mark, id) {
      if (written.mark !== mark || isBefore(written.id, id)) written = { mark, id }
    }
  })
  const records = createRecords({ link, names, epoch, commit })
  const reader = reading(records)

  /** The same link for what no script guards: it answers only while what Redis remembers is what it was told. */
  const guarded: Pick<RedisLink, 'send' | 'sendAll' | 'run'> = {
    async send (...command) {
      await epoch.current()
      return link.send(...command)
    },
    async sendAll (commands) {
      await epoch.current()
      return link.sendAll(commands)
    },
    async run (...script) {
      await epoch.current()
      return link.run(...script)
    }
  }

  return {
    ...createRedisMembers({ records, reader }),
    ...createRedisApiKeys({ records, reader }),
    ...createRedisSessions({ records, reader, now }),
    ...createRedisItems({ link: guarded, names, now }),
    ...createRedisTrust({ records, now }),
    ...createRedisRevocations({ names, commit }),
    ...createRedisSeen({ link: guarded, names }),
    ...createRedisChanges({ link, names, epoch, records, written: mark => written.mark === mark ? written.id : '', now }),
    restore,

    async ping () {
      // written, as a Redis that is full or a replica still answers what is read
      await guarded.send('SET', names.ping, '', 'PX', 1_000)
    },

    async sweep (now) {
      for (const keys of [[names.revocations], [names.seenUntil, names.seen]]) {
        while (await guarded.run(expireScript, keys, [Math.floor(now), batch]) === batch) await setImmediate()
      }
      await records.sweep(now)
    },

    close: link.close
  }
}
