import { setPriority } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { OrganizationSource } from './build/checked.ts'
import { giveBack } from './give-back.ts'
import type { Problem } from './problem.ts'
import { createReader } from './read.ts'
import type { Reading, ReadOptions } from './read.ts'
import { nextBatch, problemKey } from './transfer.ts'
import type { Answer, Ask, ReadAnswer, Tell } from './transfer.ts'
import { createWatcher } from './watch.ts'

/** The loading thread (decision 0011): reads, parses, checks and watches, and says what is new since it was asked last. */
const { file, env, ahead }: { file: string, env: NodeJS.ProcessEnv, ahead: boolean } = workerData

const tell = (message: Tell): void => { parentPort?.postMessage(message) }

const watcher = createWatcher({
  onChange: () => { tell({ kind: 'changed' }) },
  onPolling: (folder, error) => { tell({ kind: 'polling', folder, reason: String(error) }) }
})

/** What the other side has, by file, be it ahead of what comes of it. */
let known = new Map<string, OrganizationSource>()
/** What it must still ask for. */
let waiting: OrganizationSource[] = []
let warned = new Map<string, Problem>()
let files: readonly string[] = []
let newsAt = -Infinity

const goAhead: ReadOptions['onAhead'] = (some, session) => {
  // Invited lists may be long: those wait until they are asked for, a few at a time.
  const organizations = some.filter(({ invited }) => invited === undefined)
  for (const source of organizations) known.set(source.file, source)
  tell({ kind: 'ahead', organizations, session })
}

const read = createReader({ file, env, onAhead: ahead ? goAhead : undefined })

/** Milliseconds after news in which no news are believed. */
const believed = 2_000
/** Milliseconds between two looks at everything: the system may lose news. */
const rhythm = 300_000

setInterval(() => { tell({ kind: 'changed' }) }, rhythm)

const newWarnings = (warnings: readonly Problem[]): ReadAnswer['warnings'] => {
  const next = new Map(warnings.map(warning => [problemKey(warning), warning]))
  const added = [...next].flatMap(([key, warning]) => warned.has(key) ? [] : warning)
  const removed = [...warned.keys()].filter(key => !next.has(key))
  warned = next
  return { added, removed }
}

const newOrganizations = (checked: Reading['checked']): ReadAnswer['checked'] => {
  if (checked === undefined) return undefined
  const { organizations, ...rest } = checked
  const next = new Map(organizations.map(source => [source.file, source]))
  const removed = [...known.keys()].filter(file => !next.has(file))
  waiting = organizations.filter(source => known.get(source.file) !== source)
  known = next
  return { ...rest, removed, changed: waiting.length }
}

const load = async (): Promise<Answer> => {
  const stirred = watcher.stirred()
  // Asked for without any news (a signal, a doubt), it is to look for itself.
  if (stirred === undefined || stirred.size > 0) newsAt = performance.now()
  const { checked, problems, warnings, version, ...reading } = read(performance.now() - newsAt < believed ? stirred : undefined)
  files = reading.files
  return { kind: 'read', problems, warnings: newWarnings(warnings), version, checked: newOrganizations(checked) }
}

const answer = async ({ kind }: Ask): Promise<Answer> => {
  switch (kind) {
    case 'load': return await load()
    case 'more': return { kind: 'organizations', organizations: nextBatch(waiting) }
    case 'watch':
      await watcher.watch(files)
      return { kind: 'watching' }
  }
}

let isFirst = true

/** Milliseconds from the first watch on, in which the gateway is still starting. */
const starting = 1_000

/** Once there are requests, they go before. On Linux alone 0 means this thread, not the process. */
const stepAside = async (): Promise<void> => {
  if (!isFirst) return
  isFirst = false
  await setTimeout(starting)
  await giveBack()
  try {
    if (process.platform === 'linux') setPriority(0, 2)
  } catch {
    // then not
  }
}

parentPort?.on('message', (ask: Ask) => {
  const { number } = ask
  answer(ask).then(async answer => {
    tell({ kind: 'answer', number, answer })
    if (ask.kind === 'watch') await stepAside()
  }).catch((error: unknown) => { tell({ kind: 'failed', number, reason: error instanceof Error ? error.message : String(error) }) })
})
