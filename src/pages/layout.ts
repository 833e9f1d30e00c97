import { createHash } from 'node:crypto'
import { html, type Html } from './html.ts'

const stylesheet = `
:root { color-scheme: light dark; --ink: #1b1f27; --soft: #5b6472; --line: #d9dee6; --ground: #f4f6f9; --card: #fff; --accent: #2f5bd8; --on-accent: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #9aa4b2; --line: #333a45; --ground: #14171c; --card: #1d2127; --accent: #7f9fff; --on-accent: #10131a } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 27rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 2rem; overflow-wrap: anywhere }
h1 { margin: 0 0 .75rem; font-size: 1.35rem; line-height: 1.25 }
p { margin: .75rem 0 }
label { display: block; font-weight: 600; margin: 1.25rem 0 .35rem }
input { width: 100%; padding: .65rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px }
input[type=checkbox] { width: auto } fieldset { margin: 1.25rem 0 0; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: 8px } legend { font-weight: 600 } fieldset label { font-weight: 400; margin: .35rem 0 }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
button, .button { display: block; width: 100%; margin-top: 1rem; padding: .7rem 1rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; color: var(--on-accent); background: var(--accent); border: 0; border-radius: 8px; cursor: pointer }
a { color: var(--accent) }
.problem { border-left: 3px solid #d0453b; padding-left: .75rem }
.soft, dt { color: var(--soft); font-size: .9rem }
code { font-size: .9em }
dl { margin: 1.25rem 0 0 } dd { margin: 0 0 .6rem }
ul { padding-left: 1.2rem } li form button { width: auto; margin: .25rem 0 1rem; padding: .2rem .75rem; font-size: .9rem; color: inherit; background: transparent; border: 1px solid var(--line) }
.wide { max-width: 60rem } .wide h2 { margin: 2rem 0 .5rem; font-size: 1.1rem }
table { width: 100%; border-collapse: collapse; font-size: .9rem } th, td { padding: .4rem .6rem .4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) } th { color: var(--soft); font-weight: 600 }
pre { margin: .5rem 0; padding: .75rem; overflow-x: auto; white-space: pre-wrap; background: var(--ground); border-radius: 8px; font-size: .85rem }
`

const styleHash = createHash('sha256').update(stylesheet).digest('base64')

/**
 * What pages may do: show the one stylesheet. No `form-action`: Chromium applies it to every redirect
 * that follows a form, and the e-mail form's leads to an identity provider.
 */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; frame-ancestors 'none'`

/** That a page goes on by itself: to `url`, or where there is none to its own address. */
export interface Refresh {
  readonly seconds: number
  readonly url?: string | undefined
}

const refreshing = ({ seconds, url }: Refresh): Html => html`<meta http-equiv="refresh" content="${seconds}${url === undefined ? '' : `;url=${url}`}">
`

/** A whole document. `content` is the inside of its only card, which is `wide` where there are tables. */
export const layout = (title: string, content: Html, width: 'narrow' | 'wide' = 'narrow', refresh?: Refresh): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${refresh === undefined ? '' : refreshing(refresh).markup}<title>${html`${title}`.markup}</title>
<style>${stylesheet}</style>
</head>
<body><main${width === 'wide' ? ' class="wide"' : ''}>
${content.markup}
</main></body>
</html>
`
