import type { App, AppPlace, Configuration } from '../config/configuration.ts'
import { isPublic, readsAsOwn } from '../proxy/target.ts'
import type { Question } from './question.ts'
import type { Decider, Step, Verdict } from './step.ts'

/** Where the journey is after a part of it: over, with a verdict, or going on. */
export interface Leg {
  readonly steps: readonly Step[]
  readonly verdict?: Verdict
}

const none = { code: undefined, remedy: undefined, connection: undefined }

/** Which rule of `public:` lets a path through; -1 for none. */
const ruleOf = (app: App, target: string): number =>
  app.public.findIndex(rule => isPublic({ ...app, public: [rule] }, 'GET', target))

const placeSetting = ({ app, region }: AppPlace): readonly string[] =>
  region === undefined ? ['apps', app.id, 'url'] : ['apps', app.id, 'regions', region, 'url']

const opens = (place: AppPlace | undefined): string => place === undefined
  ? 'whoever signs in there goes on to their only app, or to the list of them'
  : `whoever signs in there goes on to ${place.app.id} at ${place.origin}`

const hostStep = ({ url, target }: Question, configuration: Configuration, file: string): Step => {
  const host = url.hostname
  switch (target.kind) {
    case 'app': {
      const { app, region, origin } = target.place
      const where = region === undefined ? '' : `, region ${region}`
      const note = url.origin === origin ? '' : `; browsers must open it as ${origin}`
      return { step: 'host', says: `${host} is the app ${app.id} (${app.name})${where}${note}`, decider: { file, path: placeSetting(target.place) } }
    }
    case 'login_page': {
      const { id, name, connections: [first], loginHosts } = target.organization
      const origins = new Set([loginHosts.get(host)])
      const decider: Decider | undefined = first === undefined
        ? undefined
        : { file: first.location.file, path: ['login_hosts'], item: text => origins.has(URL.parse(text)?.origin) }
      return { step: 'host', says: `${host} is the sign-in page of ${id} (${name}): ${opens(target.place)}`, decider }
    }
    case 'auth': return { step: 'host', says: `${host} is the auth host: ${opens(target.place)}`, decider: { file, path: ['auth_url'] } }
    case 'unknown': return { step: 'host', says: `${host} is no host of an app (${[...configuration.places.keys()].slice(0, 5).join(', ')}${configuration.places.size > 5 ? ' …' : ''}), nor the auth host`, decider: { file, path: ['apps'], key: true } }
  }
}

/** Host and path: what is decided before anybody is asked who they are. `file` is the main one. */
export const arrive = (configuration: Configuration, question: Question, file: string): Leg => {
  const host = hostStep(question, configuration, file)
  const { url, target } = question
  if (target.kind === 'unknown') {
    return {
      steps: [host],
      verdict: { ...none, outcome: 'refused', code: 'PORTICO_UNKNOWN_HOST', says: 'nothing lives there', remedy: 'Add the host to an app, or correct the address.' }
    }
  }
  if (target.kind !== 'app') return { steps: [host] }
  const { app } = target.place
  const path = url.pathname
  if (readsAsOwn(path)) {
    return {
      steps: [host, { step: 'path', says: `${path} reads as a path of Portico's own (/.portico/): it never reaches the app`, decider: undefined }],
      verdict: { ...none, outcome: 'refused', code: 'PORTICO_NOT_FOUND', says: 'no page of the app', remedy: 'Ask about a page of the app.' }
    }
  }
  const rule = ruleOf(app, path)
  if (rule === -1) return { steps: [host, { step: 'path', says: `${path} wants a sign-in: no rule of public: opens it`, decider: { file, path: ['apps', app.id, 'public'], key: true } }] }
  return {
    steps: [host, { step: 'path', says: `${path} is public: whoever is not signed in gets it all the same, without identity headers`, decider: { file, path: ['apps', app.id, 'public', rule] } }],
    verdict: { ...none, outcome: 'public', says: 'gets the page without a sign-in; ask about another path to see what a sign-in would do' }
  }
}
