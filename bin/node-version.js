// Plain JavaScript that any Node from 12.17 on can read: it says so when this Node is too old for the rest.
import { existsSync } from 'fs'
import { fileURLToPath } from 'url'

/**
 * Whether this Node runs TypeScript as it stands (22.18 or newer). If it does not, says in one line what to do,
 * sets exit status 2, and answers false. `script` is the npm script that does what was asked for.
 */
export function nodeIsRecent (script) {
  const parts = process.versions.node.split('.').map(Number)
  if (parts[0] > 23 || (parts[0] === 23 && parts[1] >= 6) || (parts[0] === 22 && parts[1] >= 18)) return true
  const brought = existsSync(fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url)))
  console.error('portico: wants Node 24 (22.18 at least), this is ' + process.version + ': ' + (brought
    ? 'run it as ' + script + ', which uses the Node that npm ci brought along'
    : 'run npm ci --include=optional, which brings one along, or install Node 24'))
  process.exitCode = 2
  return false
}

/** Type stripping and node:sqlite announce themselves as experimental on some versions: not the operator's concern. */
export function silenceExperimentalWarnings () {
  const emitWarning = process.emitWarning
  process.emitWarning = function (warning, ...rest) {
    const type = rest[0] !== null && typeof rest[0] === 'object' ? rest[0].type : rest[0]
    if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest)
  }
}
