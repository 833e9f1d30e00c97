import { explain as explainQuestion } from '../explain/explain.ts'
import { createPositions } from '../explain/positions.ts'
import { BadQuestion, readQuestion } from '../explain/question.ts'
import { openRecords } from '../explain/recorded.ts'
import { reportData, reportText } from '../explain/report.ts'
import { text, type Command } from './command.ts'
import { configured } from './configured.ts'
import { wrongUsage } from './stop.ts'

/** `portico explain --email E --url U`: host, app, organization, connection, verdict, headers, each with the line that decided. */
export const explain: Command = {
  name: 'explain',
  summary: 'what happens when somebody opens a page, and which line says so; status 1 when they would not get in',
  options: ['config', 'json'],
  flags: { email: { value: 'E-MAIL', required: true }, url: { value: 'URL', required: true } },
  async run (options, context) {
    const { config, json, flags } = options
    const { cwd, out } = context
    const configuration = await configured(options, context)
    const records = await openRecords(configuration)
    try {
      const question = readQuestion(configuration, { email: text(flags.email) ?? '', url: text(flags.url) ?? '' })
      const explanation = await explainQuestion({ configuration, file: config, records }, question, Date.now() / 1_000)
      const places = createPositions()
      const positions = await Promise.all(explanation.steps.map(({ decider }) => decider === undefined ? undefined : places.of(decider)))
      const placed = { question, explanation, positions, cwd }
      out(json ? `${JSON.stringify(reportData(placed), null, 2)}\n` : reportText(placed))
      return explanation.verdict.outcome === 'refused' ? 1 : 0
    } catch (error) {
      throw error instanceof BadQuestion ? wrongUsage(error.message) : error
    } finally {
      if (records.kind === 'open') await records.close()
    }
  }
}
