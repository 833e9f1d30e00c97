#!/usr/bin/env node
// Plain JavaScript that any Node from 12 on can read: it says so when this Node is too old for the rest.
const version = process.versions.node.split('.').map(Number)
const stripsTypes = version[0] > 23 || (version[0] === 23 && version[1] >= 6) || (version[0] === 22 && version[1] >= 18)

if (stripsTypes) {
  const emitWarning = process.emitWarning
  // Type stripping and node:sqlite announce themselves as experimental on some versions: not the operator's concern.
  process.emitWarning = function (warning, ...rest) {
    const type = rest[0] !== null && typeof rest[0] === 'object' ? rest[0].type : rest[0]
    if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest)
  }
  import('../src/main.ts').then(function (main) {
    return main.main(process.argv.slice(2))
  }).then(function (status) {
    // Not process.exit: what is written to a pipe must still arrive, and `serve` goes on.
    process.exitCode = status
  })
} else {
  console.error('portico: wants Node 22.18 or newer, this is ' + process.version + ': run it as npm run --silent portico -- ' + (process.argv.slice(2).join(' ') || '--help'))
  process.exitCode = 2
}
