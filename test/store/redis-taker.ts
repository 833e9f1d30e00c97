/** One of several processes over one Redis: tells its parent what it got. Arguments: the port, the prefix and how many items. */
import { redisSettings } from '../support/redis.ts'
import { connectStore } from './redis-store.ts'
import { takeAll } from './taking.ts'

const [port = '0', prefix = '', count = '0'] = process.argv.slice(2)
const { store } = await connectStore(redisSettings(Number(port), { prefix }))
process.send?.(await takeAll(store, Number(count)))
