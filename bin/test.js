#!/usr/bin/env node
import { nodeIsRecent, silenceExperimentalWarnings } from './node-version.js'

if (nodeIsRecent('npm test')) {
  silenceExperimentalWarnings()
  import('../scripts/test.ts').then(function (runner) {
    return runner.test(process.argv.slice(2))
  }).then(function (status) {
    process.exitCode = status
  })
}
