import { parentPort } from 'node:worker_threads'
import { readOrganizationPart } from './part.ts'
import type { FileRead } from './read.ts'

/** Parses files that the loading thread hands over (parsing-threads.ts). */
parentPort?.on('message', (files: readonly FileRead[]) => {
  parentPort?.postMessage(files.map(({ file, content }) => readOrganizationPart(file, content)))
})
