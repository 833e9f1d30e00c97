import { text } from './values.ts'
import type { Fault } from './values.ts'

const controls = /[\0-\x20\x7f-\uffff]/

/** Where an app opens: a path (with a query, if need be) that cannot leave the app's origin. */
export const home = text('a path', '/', value => {
  if (!value.startsWith('/')) return { message: 'is not a path', remedy: 'begin with /' }
  const url = URL.canParse(value, 'http://app.invalid') ? new URL(value, 'http://app.invalid') : undefined
  const own = url?.origin === 'http://app.invalid' && !url.pathname.startsWith('//') && !/[\\#]/.test(value) && !controls.test(value)
  if (!own || value.startsWith('//')) {
    return { message: 'does not stay at the app', remedy: 'write a plain path such as /start, without //, \\, # and spaces' }
  }
  return /^\/\.portico(?:\/|$)/.test(url.pathname) ? { message: 'is a path of Portico\'s own', remedy: 'choose a path of the app' } : undefined
})

const ruleFault = (path: string): Fault | undefined => {
  if (!path.startsWith('/')) return { message: `'${path}' does not begin with /`, remedy: `write ${`/${path}`.replace(/^\/\*\.?/, '/')}` }
  const body = path.endsWith('/*') ? path.slice(0, -1) : path
  if (body.includes('*')) return { message: '* stands elsewhere than at the end', remedy: 'write an exact path, or a prefix that ends in /*' }
  if (controls.test(path) || /[\\%;?#]|\/\/|\/\.{1,2}(?:\/|$)/.test(body)) {
    return {
      message: 'can be read in more than one way',
      remedy: 'write a plain path: no //, /./, /../, %, ;, \\, ?, # or spaces (rules are judged on the canonical path)'
    }
  }
  return /^\/\.portico(?:\/|$)/.test(body) ? { message: 'is a path of Portico\'s own', remedy: 'remove the rule: it is never forwarded' } : undefined
}

/** `/favicon.ico`, `/assets/*`, `GET,HEAD,POST /hooks/*`. */
export const publicRule = text('a path rule', '/assets/*', value => {
  const [first = '', second, ...rest] = value.split(' ')
  if (rest.length > 0) return { message: 'has more than methods and a path', remedy: 'write GET,HEAD /assets/* with one space' }
  if (second === undefined) return ruleFault(first)
  return /^[A-Z]+(?:,[A-Z]+)*$/.test(first)
    ? ruleFault(second)
    : { message: `'${first}' is not a list of methods`, remedy: 'write them in capitals with commas between: GET,HEAD' }
})
