import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { createLog, standardOutput } from '../telemetry/log.ts'
import { createCrew, type Crew } from './crew.ts'
import { createRounds } from './rounds.ts'
import { createTotals } from './totals.ts'
import { createWholeLines } from './whole-lines.ts'

/** Milliseconds until workers that were told to end are killed: longer than they give themselves. */
const grace = 20_000

/** The environment variable that tells a worker its place. */
export const placeVariable = 'PORTICO_WORKER'

/**
 * Runs so many workers on the same listeners until a signal ends them, and answers with the exit status. This process
 * serves nothing and reads no configuration: it accepts connections and hands them on, keeps its workers
 * alive, passes signals and log lines on, and adds their metrics up.
 */
export const runWorkers = async (size: number, config: string): Promise<number> => {
  const output = standardOutput()
  const log = createLog({ level: 'info', destination: output })
  const totals = createTotals()
  cluster.setupPrimary({ exec: fileURLToPath(new URL('../../bin/portico.js', import.meta.url)), args: ['serve', '--config', config], silent: true })

  const rounds = createRounds(() => crew.present())
  const questions = {
    async metrics (): Promise<string> {
      // each as it comes: one that has answered may be gone before the last has
      await rounds.ask('metrics', totals.seen)
      return await totals.text()
    },
    async status (): Promise<readonly unknown[]> {
      return [...await rounds.ask('status')].sort(([one], [other]) => one - other).map(([worker, status]) => ({ worker, status }))
    }
  }

  const crew: Crew = createCrew({
    size,
    log,
    fork (place) {
      const worker = cluster.fork({ [placeVariable]: String(place) })
      worker.process.stdout?.setEncoding('utf8').on('data', createWholeLines(lines => { output.write(lines) }))
      worker.process.stderr?.setEncoding('utf8').on('data', createWholeLines(lines => { process.stderr.write(lines) }))
      // what is sent to one that is just ending
      worker.on('error', error => { log.debug({ err: error, worker: place }, 'a worker is not reached') })
      return worker
    },
    left: totals.gone,
    heard (message, place, worker) {
      if (message.portico === 'answer') {
        rounds.heard(place, message.number, message.answer)
        return
      }
      questions[message.topic]().then(answer => {
        if (worker.isConnected()) worker.send({ portico: 'told', number: message.number, answer })
      }, (error: unknown) => { log.error({ err: error }, 'the workers cannot be asked') })
    }
  })

  // one that does not listen yet reads all files anyway, and would end of it
  process.on('SIGHUP', () => { for (const worker of crew.present().values()) worker.process.kill('SIGHUP') })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'closing')
      crew.close(grace)
      process.once(signal, crew.kill)
    })
  }
  return await crew.ended
}
