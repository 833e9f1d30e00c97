#!/usr/bin/env node
import { keepCompiledCode } from './compile-cache.js'
import { nodeIsRecent, silenceExperimentalWarnings } from './node-version.js'

if (nodeIsRecent('npm run --silent portico -- ' + (process.argv.slice(2).join(' ') || '--help'))) {
  silenceExperimentalWarnings()
  keepCompiledCode()
  import('../src/main.ts').then(function (main) {
    return main.main(process.argv.slice(2))
  }).then(function (status) {
    // Not process.exit: what is written to a pipe must still arrive, and `serve` goes on.
    process.exitCode = status
  })
}
