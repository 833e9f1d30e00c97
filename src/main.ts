import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { usageOf, type Command, type Context, type Options } from './commands/command.ts'
import { serve } from './commands/serve.ts'
import { Stop, wrongUsage } from './commands/stop.ts'
import { PorticoError } from './errors.ts'

/** All commands in the order of the help, with all their code: `serve` is sooner ready without the others'. */
const everyCommand = async (): Promise<readonly Command[]> => {
  const [{ check }, { doctor }, { explain }, { guide }, { links }, members, sessions, apiKeys, { keysNew }] = await Promise.all([
    import('./commands/check.ts'),
    import('./commands/doctor.ts'),
    import('./commands/explain.ts'),
    import('./commands/guide.ts'),
    import('./commands/links.ts'),
    import('./commands/members.ts'),
    import('./commands/sessions.ts'),
    import('./commands/api-keys.ts'),
    import('./commands/keys.ts')
  ])
  const { membersList, membersMove, membersBlock, membersUnblock, membersErase } = members
  const { sessionsList, sessionsRevoke } = sessions
  const { apiKeysCreate, apiKeysList, apiKeysRevoke } = apiKeys
  return [
    serve,
    check,
    doctor,
    explain,
    guide,
    links,
    membersList,
    membersMove,
    membersBlock,
    membersUnblock,
    membersErase,
    sessionsList,
    sessionsRevoke,
    apiKeysCreate,
    apiKeysList,
    apiKeysRevoke,
    keysNew
  ]
}

const help = (commands: readonly Command[]): string => {
  const width = Math.max(...commands.map(command => usageOf(command).length).filter(length => length <= 44))
  return `portico <command> [--config FILE] [--json]

${commands.map(command => {
  const usage = usageOf(command)
  return usage.length > width ? `  ${usage}\n  ${' '.repeat(width)}  ${command.summary}` : `  ${usage.padEnd(width)}  ${command.summary}`
}).join('\n')}

  --config FILE  the main file; config/portico.yaml when left out
  --json         for a program to read
  --help         this text

Exit status: 0 fine, 1 a problem was found, 2 wrong usage.
`
}

const commonFlags = { config: { type: 'string', short: 'c' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** Every option of every command, so that one that belongs to another is told apart from one that nobody knows. */
const allFlags = (commands: readonly Command[]) => Object.fromEntries(commands.flatMap(({ flags = {} }) =>
  Object.entries(flags).map(([flag, { value }]) => [flag, value === undefined ? { type: 'boolean' as const } : { type: 'string' as const, multiple: true }])))

const parse = (args: readonly string[], commands: readonly Command[]) => {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { ...allFlags(commands), ...commonFlags } })
  } catch (error) {
    const message = error instanceof Error ? error.message.split(/\.\s|\n/)[0] ?? error.message : String(error)
    throw wrongUsage(`${message.charAt(0).toLowerCase()}${message.slice(1)} — see portico --help`)
  }
}

/** The command of the longest name that the words begin with, and what stands behind it. */
const find = async (positionals: readonly string[], commands: readonly Command[]): Promise<{ command: Command, words: readonly string[] }> => {
  for (const length of [2, 1]) {
    const command = commands.find(({ name }) => name === positionals.slice(0, length).join(' '))
    if (command !== undefined) return { command, words: positionals.slice(length) }
  }
  const wanted = positionals.slice(0, 2).join(' ')
  const names = commands.map(({ name }) => name)
  const { suggest } = await import('./config/suggest.ts')
  const meant = suggest(wanted, names) ?? suggest(positionals[0] ?? '', names) ?? names.find(name => name.split(' ')[0] === positionals[0])
  throw wrongUsage(`there is no command '${positionals.join(' ').slice(0, 80)}' — ${meant === undefined ? 'see portico --help' : `did you mean '${meant}'?`}`)
}

const judge = (command: Command, words: readonly string[], values: Readonly<Record<string, unknown>>): Options['flags'] => {
  const usage = `usage: portico ${usageOf(command)}`
  const { words: wanted = [], flags = {} } = command
  const stray = words[wanted.length]
  if (stray !== undefined) throw wrongUsage(`'${command.name}' has no use for '${stray.slice(0, 80)}' — ${usage}`)
  const missing = wanted.slice(words.length).find(word => word.startsWith('<'))
  if (missing !== undefined) throw wrongUsage(`'${command.name}' wants ${missing} — ${usage}`)
  for (const name of Object.keys(values)) {
    const known = name === 'config' || name === 'json' ? command.options.includes(name) : Object.hasOwn(flags, name)
    if (!known) throw wrongUsage(`'${command.name}' takes no --${name}`)
  }
  return Object.fromEntries(Object.entries(flags).map(([name, { value, required, repeated }]) => {
    const found = values[name]
    if (Array.isArray(found) && found.length > 1 && repeated !== true) throw wrongUsage(`'${command.name}' wants --${name} once`)
    const given: unknown = Array.isArray(found) ? found.join(',') : found
    if (given === undefined && required === true) throw wrongUsage(`'${command.name}' wants --${name} ${value ?? ''} — ${usage}`)
    if (given === '') throw wrongUsage(`--${name} wants ${value ?? 'a value'}`)
    return [name, typeof given === 'string' || given === true ? given : undefined]
  }))
}

const ownContext = (): Context => ({
  env: process.env,
  cwd: process.cwd(),
  out: text => { process.stdout.write(text) },
  err: text => { process.stderr.write(text) }
})

/** A command that is to run. */
interface Order {
  readonly command: Command
  readonly options: Omit<Options, 'config'> & { readonly config: string | undefined }
}

/** What a command line means to these commands; undefined for a cry for help. Throws a Stop where it means nothing. */
const understand = async (args: readonly string[], commands: readonly Command[]): Promise<Order | 'help' | 'nothing'> => {
  const { values: { config, json, help: wantsHelp, ...own }, positionals } = parse(args, commands)
  if (wantsHelp === true || positionals[0] === 'help') return 'help'
  if (positionals.length === 0) return 'nothing'
  const { command, words } = await find(positionals, commands)
  const flags = judge(command, words, { ...own, ...config !== undefined && { config }, ...json !== undefined && { json } })
  if (config === '') throw wrongUsage('--config wants a file')
  return { command, options: { config: typeof config === 'string' ? config : undefined, json: json === true, words, flags } }
}

/** `serve`, where nothing but that is meant; undefined where the other commands have to be asked. */
const onlyServe = async (args: readonly string[]): Promise<Order | undefined> => {
  if (args[0] !== serve.name) return undefined
  const order = await understand(args, [serve]).catch(() => undefined)
  return typeof order === 'string' ? undefined : order
}

/** Runs one command line and answers with its exit status: 0 fine, 1 a problem was found, 2 wrong usage. */
export const main = async (args: readonly string[], context: Context = ownContext()): Promise<number> => {
  try {
    const run = ({ command, options }: Order): Promise<number> =>
      command.run({ ...options, config: resolve(context.cwd, options.config ?? 'config/portico.yaml') }, context)
    const order = await onlyServe(args)
    if (order !== undefined) return await run(order)
    const commands = await everyCommand()
    const meant = await understand(args, commands)
    if (meant === 'help') {
      context.out(help(commands))
      return 0
    }
    if (meant === 'nothing') {
      context.err(help(commands))
      return 2
    }
    return await run(meant)
  } catch (error) {
    context.err(`portico: ${error instanceof Error ? error.message : String(error)}${error instanceof PorticoError ? ` — ${error.remedy}` : ''}\n`)
    return error instanceof Stop ? error.status : 1
  }
}
