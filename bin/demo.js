#!/usr/bin/env node
import { nodeIsRecent, silenceExperimentalWarnings } from './node-version.js'

if (nodeIsRecent('npm start')) {
  silenceExperimentalWarnings()
  import('../demo/main.ts').then(function (demo) {
    return demo.main(process.argv.slice(2))
  }).then(function (status) {
    process.exitCode = status
  })
}
