import { monitorEventLoopDelay } from 'node:perf_hooks'
import { main } from '../../src/main.ts'
import { serveSubject } from '../subject.ts'

/**
 * `portico serve`, which also tells for how long it held up its event loop (milliseconds), how much CPU its main
 * thread has had (microseconds), and the most memory that it has had (bytes).
 */
const [file = ''] = process.argv.slice(2)
const status = await main(['serve', '--config', file])
if (status !== 0) throw new Error('not started')
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

serveSubject({}, async ({ kind }) => {
  if (kind !== 'held') return {}
  const held = delay.max / 1e6
  delay.reset()
  const { user, system } = process.threadCpuUsage()
  return { held, thread: user + system, peak: process.resourceUsage().maxRSS * 1024 }
})
