import closeWithGrace from 'close-with-grace'
import { createLoadingThread } from '../config/loading-thread.ts'
import { formatProblem } from '../config/problem.ts'
import type { Problem } from '../config/problem.ts'
import { createReloader } from '../config/reload.ts'
import { problemKey } from '../config/transfer.ts'
import type { Command } from './command.ts'
import { Stop } from './stop.ts'
import { count } from './wording.ts'

/** Milliseconds for what is under way when the process is told to end; then it ends all the same. */
const grace = 15_000

/** Problems that a refused reload tells one by one: one line of the main file may make one of each organization. */
const told = 100

const firstOf = (problems: readonly Problem[]): readonly Problem[] => {
  const first = problems[0]
  if (first === undefined || problems.length <= told) return problems
  return [...problems.slice(0, told), { ...first, line: 1, column: 1, path: '', message: `and ${problems.length - told} more problems`, remedy: 'portico check tells all of them' }]
}

/** `portico serve`: runs the gateway until a signal ends it; reloads when its files change or on SIGHUP. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the gateway; reloads when a file changes, and on SIGHUP',
  options: ['config'],
  async run ({ config }, { env, cwd, err }) {
    const { createLog } = await import('../telemetry/log.ts')
    const log = createLog({ level: 'info' })
    const thread = createLoadingThread({
      file: config,
      env,
      onChange: () => { reloader.request() },
      onPolling: (folder, reason) => { log.warn({ folder, reason }, 'this folder cannot be watched; looking every second instead') },
      onDied: error => { log.error({ err: error }, 'the loading thread died: the configuration in force stays, and it is started again') }
    })
    const loading = thread.load()
    // The rest of the server's parts come while the thread reads, not before it begins; the other commands do without them.
    const parts = import('../gateway.ts')
    const started = await loading
    const { configuration } = started
    if (configuration === undefined) {
      await thread.close()
      for (const problem of [...started.problems, ...started.warnings]) err(`${problem.severity === 'warning' ? 'warning: ' : ''}${formatProblem(problem, cwd)}\n`)
      throw new Stop(`not started: ${count(started.problems.length, 'problem')}`)
    }
    log.level = configuration.logs.level
    const tell = (level: 'warn' | 'error', problem: Problem): void => {
      const { file, line, column, path } = problem
      log[level]({ file, line, column, path }, formatProblem(problem, cwd))
    }
    let warned: ReadonlySet<string> = new Set()
    const warn = (warnings: readonly Problem[]): void => {
      for (const warning of warnings) if (!warned.has(problemKey(warning))) tell('warn', warning)
      warned = new Set(warnings.map(problemKey))
    }
    warn(started.warnings)
    const { createGateway } = await parts
    const gateway = await createGateway({ configuration, log })
    try {
      await gateway.listen()
    } catch (error) {
      await Promise.all([gateway.close(), thread.close()])
      throw error
    }

    const reloader = createReloader({
      started: { ...started, configuration },
      load: thread.load,
      rearm: thread.watch,
      apply: next => gateway.reload(next),
      onFailed: problems => {
        const first = firstOf(problems)
        for (const problem of first) tell('error', problem)
        gateway.reloadFailed(first)
      },
      onReloaded: (loaded, restartNeededFor) => {
        warn(loaded.warnings)
        if (restartNeededFor.length > 0) {
          log.warn({ settings: restartNeededFor }, `a restart is needed for ${restartNeededFor.join(', ')}; everything else is in force`)
        }
      }
    })
    await thread.watch()
    // What changed between the first reading and the first watch.
    reloader.request()
    process.on('SIGHUP', () => { reloader.request({ force: true }) })

    closeWithGrace({ delay: grace, logger: { error: message => { log.error(message) } }, skip: ['SIGHUP', 'beforeExit'] }, async ({ signal, err: error }) => {
      if (error !== undefined) log.fatal({ err: error }, 'unexpected: closing')
      else log.info({ signal }, 'closing')
      reloader.close()
      await Promise.all([gateway.close(), thread.close()])
    })
    return 0
  }
}
