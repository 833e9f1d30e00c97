import type { Answer, Browser } from '../browser.ts'

/** A page that a browser with scripts would send on at once: SAML's POST binding (Bindings §3.5). */
export interface SamlForm {
  readonly action: URL
  /** `SAMLResponse` or `SAMLRequest`, and `RelayState` where there is one. */
  readonly fields: Readonly<Record<string, string>>
}

const decode = (markup: string): string => markup
  .replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#039;', "'").replaceAll('&amp;', '&')

/** The form of SimpleSAMLphp's page: its sign-in page or one that sends itself on. Throws when there is none. */
export const samlFormOf = (answer: Answer): SamlForm => {
  const [, opening = '', inside = ''] = /<form ([^>]*)>(.*?)<\/form>/s.exec(answer.text) ?? []
  const action = /action="([^"]*)"/.exec(opening)?.[1]
  if (action === undefined) throw new Error(`no form on the page: HTTP ${answer.status} ${answer.text.slice(0, 400)}`)
  const fields = [...inside.matchAll(/<input [^>]*name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [decode(name), decode(value)])
  return { action: new URL(decode(action), answer.url), fields: Object.fromEntries(fields) }
}

/** The XML in a form's message; empty when there is none. */
export const samlXmlOf = ({ fields }: SamlForm): string =>
  Buffer.from(fields.SAMLResponse ?? fields.SAMLRequest ?? '', 'base64').toString()

/** Types name and password into the sign-in page that `answer` is; what follows at SimpleSAMLphp is the answer. */
export const giveNameAndPassword = async (browser: Browser, answer: Answer, name: string, password: string): Promise<Answer> => {
  const { action, fields } = samlFormOf(answer)
  return await browser.follow(await browser.send(action, { body: new URLSearchParams({ ...fields, username: name, password }) }))
}

/** Signs in where `url` leads (asked only if nobody is signed in there) and answers with the page that posts the response; nothing is posted. */
export const signInAtSimpleSaml = async (browser: Browser, url: string | URL, name: string, password: string): Promise<SamlForm> => {
  const answer = await browser.open(url)
  return samlFormOf(answer.text.includes('name="password"') ? await giveNameAndPassword(browser, answer, name, password) : answer)
}
