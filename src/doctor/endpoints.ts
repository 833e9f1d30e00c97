import { describeAnswer } from '../connections/outbound/answer.ts'
import { ask } from './ask.ts'
import type { Examination } from './examination.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

/**
 * Whether an endpoint that is optional for a sign-in answers to a plain GET without a token: whatever it
 * says, as long as it is there.
 */
export const probeEndpoint = async (name: 'userinfo endpoint' | 'end session endpoint', url: string, examination: Examination): Promise<Finding> => {
  const wanted = `an answer from ${url.split('?', 1)[0]}`
  const answer = await ask(url, examination)
  const remedy = name === 'userinfo endpoint'
    ? 'Claims that the ID token lacks are fetched there: ask whoever runs the provider.'
    : 'Signing out there will not work: ask whoever runs the provider.'
  if (typeof answer === 'string') return (name === 'userinfo endpoint' ? problem : warning)(name, wanted, answer, remedy)
  return answer.status === 404 || answer.status >= 500
    ? warning(name, wanted, describeAnswer(answer), remedy)
    : ok(name, wanted, describeAnswer(answer))
}
