import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import { createLoadingThread } from '../config/loading-thread.ts'
import { formatProblem } from '../config/problem.ts'
import type { Problem } from '../config/problem.ts'
import { createReloader } from '../config/reload.ts'
import { problemKey } from '../config/transfer.ts'
import type { Colleagues } from '../workers/colleagues.ts'
import { text, type Command, type Context } from './command.ts'
import { Stop, wrongUsage } from './stop.ts'
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

/** Workers of one `serve`; more than any machine has processors is a slip of the finger. */
const mostWorkers = 256

const sizeOf = (workers: string): number => {
  const size = /^[1-9][0-9]{0,2}$/.test(workers) ? Number(workers) : Infinity
  if (size > mostWorkers) throw wrongUsage(`--workers wants a number from 1 to ${mostWorkers}, not '${workers.slice(0, 40)}'`)
  return size
}

/** Where this process is a worker itself, the way to the others. */
const ownColleagues = async (env: NodeJS.ProcessEnv): Promise<Colleagues | undefined> => {
  if (!cluster.isWorker) return undefined
  const [{ createColleagues }, { placeVariable }] = await Promise.all([import('../workers/colleagues.ts'), import('../workers/primary.ts')])
  const place = Number(env[placeVariable])
  if (!Number.isInteger(place)) return undefined
  const colleagues = createColleagues(place, {
    send: message => { process.send?.(message) },
    on: (event, listener) => process.on(event, listener)
  })
  // Node ends a worker whose primary is gone. The log would then try to be rid of its last lines for ever: nobody reads them.
  process.once('exit', () => {
    if (!process.connected && cluster.worker?.exitedAfterDisconnect !== true) process.kill(process.pid, 'SIGKILL')
  })
  // nothing is under way yet
  colleagues.onClose(() => { process.exit(0) })
  return colleagues
}

/** Runs one gateway, alone or as a worker; resolves once it listens. */
const runGateway = async (config: string, { env, cwd, err }: Context, colleagues: Colleagues | undefined): Promise<void> => {
  // until there is a gateway to reload: it is asked for once when there is
  let changed = (): void => {}
  const thread = createLoadingThread({
    file: config,
    env,
    onChange: () => { changed() },
    onPolling: (folder, reason) => { log.warn({ folder, reason }, 'this folder cannot be watched; looking every second instead') },
    onDied: error => { log.error({ err: error }, 'the loading thread died: the configuration in force stays, and it is started again') }
  })
  const loading = thread.load()
  // The parts of the server come while the thread reads, not before it begins; the other commands do without them.
  const [{ createLog }, { createGateway }, started] = await Promise.all([import('../telemetry/log.ts'), import('../gateway.ts'), loading])
  const log = createLog({ level: 'info' })
  const { configuration } = started
  if (configuration === undefined) {
    await thread.close()
    for (const problem of [...started.problems, ...started.warnings]) err(`${problem.severity === 'warning' ? 'warning: ' : ''}${formatProblem(problem, cwd)}\n`)
    throw new Stop(`not started: ${count(started.problems.length, 'problem')}`)
  }
  log.level = configuration.logs.level
  const tell = (level: 'warn' | 'error', problem: Problem): void => {
    if (colleagues?.speaks === false) return
    const { file, line, column, path } = problem
    log[level]({ file, line, column, path }, formatProblem(problem, cwd))
  }
  let warned: ReadonlySet<string> = new Set()
  const warn = (warnings: readonly Problem[]): void => {
    for (const warning of warnings) if (!warned.has(problemKey(warning))) tell('warn', warning)
    warned = new Set(warnings.map(problemKey))
  }
  warn(started.warnings)
  // Looking for what is to be watched takes the thread a while, in which the gateway starts here.
  const watching = thread.watch()
  watching.catch(() => { /* it is awaited below */ })
  const gateway = await createGateway({ configuration, log, colleagues })
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
      if (restartNeededFor.length > 0 && colleagues?.speaks !== false) {
        log.warn({ settings: restartNeededFor }, `a restart is needed for ${restartNeededFor.join(', ')}; everything else is in force`)
      }
    }
  })
  changed = () => { reloader.request() }
  await watching
  // What changed between the first reading and the first watch.
  reloader.request()
  process.on('SIGHUP', () => { reloader.request({ force: true }) })

  // A terminal and a service manager signal all processes: a worker is then told twice to end, and takes it for once.
  const skip: closeWithGrace.AllEvents[] = ['SIGHUP', 'beforeExit', ...colleagues === undefined ? [] : ['SIGTERM', 'SIGINT'] as const]
  const { close } = closeWithGrace({ delay: grace, logger: { error: message => { log.error(message) } }, skip }, async ({ signal, err: error }) => {
    if (error !== undefined) log.fatal({ err: error }, 'unexpected: closing')
    else if (colleagues === undefined) log.info({ signal }, 'closing')
    reloader.close()
    await Promise.all([gateway.close(), thread.close()])
  })
  if (colleagues !== undefined) {
    let isClosing = false
    const closeOnce = (): void => {
      if (!isClosing) close()
      isClosing = true
    }
    colleagues.onClose(closeOnce)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, closeOnce)
    colleagues.up(log.level)
  }
}

/** `portico serve`: runs the gateway until a signal ends it; reloads when its files change or on SIGHUP. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the gateway; reloads when a file changes, and on SIGHUP',
  options: ['config'],
  flags: { workers: { value: 'N' } },
  async run ({ config, flags }, context) {
    const workers = text(flags.workers)
    if (workers !== undefined) {
      const size = sizeOf(workers)
      const { runWorkers } = await import('../workers/primary.ts')
      return await runWorkers(size, config)
    }
    try {
      await runGateway(config, context, await ownColleagues(context.env))
      return 0
    } catch (error) {
      // a worker would otherwise live on, for the sake of the channel to whoever started it
      cluster.worker?.disconnect()
      throw error
    }
  }
}
