import { html, type Html } from '../pages/html.ts'
import type { Block, Page, Part, Text } from './text.ts'

const stylesheet = `
:root { color-scheme: light dark; --ink: #1b1f27; --soft: #5b6472; --line: #d9dee6; --ground: #fff; --value: #f0f3f8 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #9aa4b2; --line: #333a45; --ground: #14171c; --value: #222730 } }
body { max-width: 46rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.7rem; line-height: 1.2 }
h2 { margin-top: 2.2rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.2rem }
li { margin: .45rem 0 }
code { padding: .1rem .35rem; border-radius: 5px; background: var(--value); font-size: .92em; user-select: all }
dt { margin-top: .8rem; font-weight: 600 } dd { margin: .2rem 0 0 } dd small { color: var(--soft) }
aside { margin: 1rem 0; padding: .1rem 1rem; border-left: 3px solid var(--line); color: var(--soft) }
@media print { body { max-width: none; padding: 0 } }
`

const partOf = (part: Part): Html => {
  if (typeof part === 'string') return html`${part}`
  if (part.kind === 'value') return html`<code>${part.text}</code>`
  return html`${part.names.map((name, index) => html`${index === 0 ? '' : ' → '}<b>${name}</b>`)}`
}

const textOf = (text: Text): Html => html`${text.map(partOf)}`

const itemsOf = (items: readonly Text[]): Html => html`${items.map(item => html`<li>${textOf(item)}</li>
`)}`

const blockOf = (block: Block): Html => {
  switch (block.kind) {
    case 'text': return html`<p>${textOf(block.text)}</p>
`
    case 'remark': return html`<aside><p>${textOf(block.text)}</p></aside>
`
    case 'steps': return html`<ol>
${itemsOf(block.items)}</ol>
`
    case 'list': return html`<ul>
${itemsOf(block.items)}</ul>
`
    case 'entries': return html`<dl>
${block.entries.map(({ name, values, note }) => html`<dt>${name}</dt>
${values.map(value => html`<dd><code>${value}</code></dd>
`)}${note === undefined
? undefined
: html`<dd><small>${textOf(note)}</small></dd>
`}`)}</dl>
`
  }
}

/** A page as one HTML file that loads nothing and runs nothing, to be sent or put on a web server. */
export const htmlPage = ({ title, sections }: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'">
<title>${html`${title}`.markup}</title>
<style>${stylesheet}</style>
</head>
<body>
${html`<h1>${title}</h1>
${sections.map(section => html`<h2>${section.title}</h2>
${section.blocks.map(blockOf)}`)}`.markup}</body>
</html>
`
