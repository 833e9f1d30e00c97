import type { Authorization } from '../connections/connector.ts'
import { postPage, postPagePolicy } from '../pages/post-page.ts'
import { page, redirect, type Answer } from './answer.ts'

/** On to an identity provider: a redirect, or a page that posts a form there. */
export const toProvider = ({ url, form }: Pick<Authorization, 'url' | 'form'>, cookies: readonly string[] = [], status: 302 | 303 = 302): Answer => {
  if (form === undefined) return redirect(url, cookies, status)
  const answer = page(200, postPage({ url, fields: form }), cookies)
  return { ...answer, headers: { ...answer.headers, 'content-security-policy': postPagePolicy } }
}
