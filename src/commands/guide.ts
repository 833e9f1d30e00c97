import { didYouMean } from '../config/suggest.ts'
import { factsOf } from '../guide/facts.ts'
import { guideData, guidePage } from '../guide/guide.ts'
import { htmlPage } from '../guide/html-page.ts'
import { markdown } from '../guide/markdown.ts'
import { providerGuide } from '../guide/provider.ts'
import { readConnection } from '../guide/read.ts'
import type { Command } from './command.ts'
import { tellProblems } from './configured.ts'
import { Stop, wrongUsage } from './stop.ts'

/** `portico guide <connection>`: what the customer's admin enters at their provider, and sends back (R29). */
export const guide: Command = {
  name: 'guide',
  summary: 'the configuration page for a customer’s admin, filled in: Markdown, --html or --json',
  options: ['config', 'json'],
  words: ['<connection>'],
  flags: { html: {} },
  async run ({ config, json, words: [id = ''], flags }, context) {
    const { out } = context
    if (json && flags.html === true) throw wrongUsage('--json and --html exclude each other')
    const reading = await readConnection(config, id)
    if (reading.written === undefined) {
      tellProblems(reading.problems, context)
      if (reading.problems.length > 0) return 1
      throw new Stop(`there is no connection '${id.slice(0, 80)}' — ${didYouMean(id, reading.known, 'write it into the file of its organization first: connector and domains are enough')}`)
    }
    const facts = factsOf(id, reading.written)
    const provider = providerGuide(facts)
    if (provider === undefined) throw new Stop(`there is no guide for the connector '${String(facts.connection.connector)}' in this version`)
    if (json) out(`${JSON.stringify(guideData(facts, provider), null, 2)}\n`)
    else out((flags.html === true ? htmlPage : markdown)(guidePage(facts, provider)))
    return 0
  }
}
