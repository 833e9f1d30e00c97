// Plain JavaScript that any Node from 12.17 on can read.
import { lstatSync, mkdirSync } from 'fs'
import module from 'module'
import { fileURLToPath } from 'url'

/** Inside node_modules: whoever may write there could change the code itself. */
const folder = fileURLToPath(new URL('../node_modules/.cache/portico', import.meta.url))

/** Whether the folder is there, or can be made, and nobody but this user may write to it. */
function isOurs () {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(folder)
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
  } catch {
    return false
  }
}

/**
 * Keeps compiled code from one start to the next, for this process and its threads: Node writes it when the
 * process ends. Does nothing where the operator has chosen a folder (NODE_COMPILE_CACHE), where ours cannot be
 * written to by this user alone, and where Node cannot.
 */
export function keepCompiledCode () {
  if (module.enableCompileCache === undefined || process.env.NODE_COMPILE_CACHE !== undefined || !isOurs()) return
  module.enableCompileCache(folder)
  // Threads read it where they start.
  process.env.NODE_COMPILE_CACHE = folder
}
