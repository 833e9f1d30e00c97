import { formatProblem } from '../config/problem.ts'
import { suggest } from '../config/suggest.ts'
import { factsOf } from '../guide/facts.ts'
import { guideData, guidePage } from '../guide/guide.ts'
import { htmlPage } from '../guide/html-page.ts'
import { markdown } from '../guide/markdown.ts'
import { providerGuide } from '../guide/provider.ts'
import { readConnection } from '../guide/read.ts'
import type { Command } from './command.ts'

/** `portico guide <connection>`: what the customer's admin enters at their provider, and sends back (R29). */
export const guide: Command = {
  name: 'guide',
  summary: 'the configuration page for a customer’s admin, filled in: Markdown, --html or --json',
  options: ['config', 'json'],
  words: ['<connection>'],
  flags: { html: {} },
  async run ({ config, json, words, flags }, { cwd, out, err }) {
    const id = words[0] ?? ''
    if (json && flags.html === true) {
      err('portico: --json and --html exclude each other\n')
      return 2
    }
    const reading = await readConnection(config, id)
    if (reading.written === undefined) {
      for (const problem of reading.problems) err(`${formatProblem(problem, cwd)}\n`)
      const meant = suggest(id, reading.known)
      if (reading.problems.length === 0) {
        err(`portico: there is no connection '${id.slice(0, 80)}' — ${meant === undefined ? 'write it into the file of its organization first: connector and domains are enough' : `did you mean '${meant}'?`}\n`)
      }
      return 1
    }
    const facts = factsOf(id, reading.written)
    const provider = providerGuide(facts)
    if (provider === undefined) {
      err(`portico: there is no guide for the connector '${String(facts.connection.connector)}' in this version\n`)
      return 1
    }
    if (json) out(`${JSON.stringify(guideData(facts, provider), null, 2)}\n`)
    else out((flags.html === true ? htmlPage : markdown)(guidePage(facts, provider)))
    return 0
  }
}
