import t from 'tap'
import { noRedis, startRedis } from '../support/redis.ts'
import { instancesAsOne } from './instances.ts'

t.test('instances on many machines share a Redis', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  await instancesAsOne(t, `{ kind: redis, url: "${redis.url}" }`)
})
