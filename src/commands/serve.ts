import closeWithGrace from 'close-with-grace'
import { createLoader } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import type { Problem } from '../config/problem.ts'
import { createReloader } from '../config/reload.ts'
import { createWatcher } from '../config/watch.ts'
import type { Command } from './command.ts'

/** Milliseconds for what is under way when the process is told to end; then it ends all the same. */
const grace = 15_000

/** `portico serve`: runs the gateway until a signal ends it; reloads when its files change or on SIGHUP. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the gateway; reloads when a file changes, and on SIGHUP',
  options: ['config'],
  async run ({ config }, { env, cwd, err }) {
    const load = createLoader({ file: config, env })
    const started = await load()
    const { configuration } = started
    if (configuration === undefined) {
      for (const problem of [...started.problems, ...started.warnings]) err(`${problem.severity === 'warning' ? 'warning: ' : ''}${formatProblem(problem, cwd)}\n`)
      err(`portico: not started: ${started.problems.length} problem${started.problems.length === 1 ? '' : 's'}\n`)
      return 1
    }
    // Only now: the other commands, and a refused start, do without the server's parts.
    const [{ createLog }, { createGateway }] = await Promise.all([import('../telemetry/log.ts'), import('../gateway.ts')])
    const log = createLog({ level: configuration.logs.level })
    const warn = (warnings: readonly Problem[]): void => {
      for (const warning of warnings) log.warn({ file: warning.file, line: warning.line, column: warning.column, path: warning.path }, formatProblem(warning, cwd))
    }
    warn(started.warnings)
    const gateway = await createGateway({ configuration, log })
    try {
      await gateway.listen()
    } catch (error) {
      await gateway.close()
      throw error
    }

    const watcher = createWatcher({
      onChange: () => { reloader.request() },
      onPolling: (folder, error) => { log.warn({ folder, err: error }, 'this folder cannot be watched; looking every second instead') }
    })
    const reloader = createReloader({
      started: { ...started, configuration },
      load,
      rearm: files => watcher.watch(files),
      apply: next => gateway.reload(next),
      onFailed: problems => {
        for (const problem of problems) log.error({ file: problem.file, line: problem.line, column: problem.column, path: problem.path }, formatProblem(problem, cwd))
        gateway.reloadFailed(problems)
      },
      onReloaded: (loaded, restartNeededFor) => {
        warn(loaded.warnings)
        if (restartNeededFor.length > 0) {
          log.warn({ settings: restartNeededFor }, `a restart is needed for ${restartNeededFor.join(', ')}; everything else is in force`)
        }
      }
    })
    await watcher.watch(started.files)
    // What changed between the first reading and the first watch.
    reloader.request()
    process.on('SIGHUP', () => { reloader.request({ force: true }) })

    closeWithGrace({ delay: grace, logger: { error: message => { log.error(message) } }, skip: ['SIGHUP', 'beforeExit'] }, async ({ signal, err: error }) => {
      if (error !== undefined) log.fatal({ err: error }, 'unexpected: closing')
      else log.info({ signal }, 'closing')
      reloader.close()
      watcher.close()
      await gateway.close()
    })
    return 0
  }
}
