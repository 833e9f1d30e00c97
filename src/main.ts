import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { check } from './commands/check.ts'
import type { Command, Context } from './commands/command.ts'
import { keysNew } from './commands/keys.ts'
import { serve } from './commands/serve.ts'
import { suggest } from './config/suggest.ts'

const commands: readonly Command[] = [serve, check, keysNew]

const help = (): string => {
  const width = Math.max(...commands.map(command => command.name.length))
  return `portico <command> [--config FILE] [--json]

${commands.map(command => `  ${command.name.padEnd(width)}  ${command.summary}`).join('\n')}

  --config FILE  the main file; config/portico.yaml when left out
  --json         for a program to read
  --help         this text

Exit status: 0 fine, 1 a problem was found, 2 wrong usage.
`
}

const wrong = (context: Context, message: string): number => {
  context.err(`portico: ${message}\n`)
  return 2
}

const readArguments = (args: readonly string[]) => parseArgs({
  args: [...args],
  allowPositionals: true,
  options: {
    config: { type: 'string', short: 'c' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' }
  }
})

const ownContext = (): Context => ({
  env: process.env,
  cwd: process.cwd(),
  out: text => { process.stdout.write(text) },
  err: text => { process.stderr.write(text) }
})

/** Runs one command line and answers with its exit status: 0 fine, 1 a problem was found, 2 wrong usage. */
export const main = async (args: readonly string[], context: Context = ownContext()): Promise<number> => {
  let parsed
  try {
    parsed = readArguments(args)
  } catch (error) {
    const message = error instanceof Error ? error.message.split('. ')[0] ?? error.message : String(error)
    return wrong(context, `${message.charAt(0).toLowerCase()}${message.slice(1)} — see portico --help`)
  }
  const { values, positionals } = parsed
  if (values.help === true || positionals[0] === 'help') {
    context.out(help())
    return 0
  }
  if (positionals.length === 0) {
    context.err(help())
    return 2
  }
  const wanted = positionals.join(' ')
  const command = commands.find(({ name }) => name === wanted)
  if (command === undefined) {
    const meant = suggest(wanted, commands.map(({ name }) => name)) ?? commands.find(({ name }) => name.split(' ')[0] === positionals[0])?.name
    return wrong(context, `there is no command '${wanted.slice(0, 80)}' — ${meant === undefined ? 'see portico --help' : `did you mean '${meant}'?`}`)
  }
  for (const option of ['config', 'json'] as const) {
    if (values[option] !== undefined && !command.options.includes(option)) return wrong(context, `'${command.name}' takes no --${option}`)
  }
  if (values.config === '') return wrong(context, '--config wants a file')
  const options = { config: resolve(context.cwd, values.config ?? 'config/portico.yaml'), json: values.json === true }
  try {
    return await command.run(options, context)
  } catch (error) {
    context.err(`portico: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
