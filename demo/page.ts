import { html } from './html.ts'
import type { Html } from './html.ts'

const style = (colour: string): string => `
:root { color-scheme: light; --accent: ${colour} }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1c1c1e; background: #f5f5f3 }
header { background: var(--accent); color: #fff; padding: 1rem 1.5rem; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline }
header strong { font-size: 1.15rem } header nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-left: auto } header a { color: #fff }
main { max-width: 62rem; margin: 1.5rem auto; padding: 0 1.5rem }
main.narrow { max-width: 27rem }
section { background: #fff; border: 1px solid #e2e2de; border-radius: .6rem; padding: 1.1rem 1.4rem; margin-bottom: 1.2rem }
h1 { font-size: 1.4rem; margin: 0 0 .3rem } h2 { font-size: 1rem; margin: 0 0 .5rem } p { margin: .3rem 0 }
small, .quiet { color: #5f5f5c }
table { border-collapse: collapse; width: 100%; font-size: .9rem } td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-top: 1px solid #eeeeea }
th { font-weight: 500; white-space: nowrap } td { overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: .85rem }
ul.checks { list-style: none; padding: 0; margin: 0 } ul.checks .yes::before { content: "✓ "; color: #1a7f37; font-weight: 700 } ul.checks .no::before { content: "✗ "; color: #b3261e; font-weight: 700 }
label { display: block; margin-top: .8rem; font-weight: 500 } input { width: 100%; font: inherit; padding: .5rem .6rem; border: 1px solid #8a8a86; border-radius: .35rem; margin-top: .2rem }
button { font: inherit; cursor: pointer; border: 1px solid var(--accent); border-radius: .35rem; padding: .5rem .9rem } button.main { background: var(--accent); color: #fff; width: 100%; margin-top: 1.1rem }
button.plain { background: none; border: 0; padding: 0; color: #00508f; text-decoration: underline } .problem { color: #b3261e }`

export interface Page {
  readonly title: string
  readonly colour: string
  /** What stands in the coloured bar. */
  readonly bar: Html
  readonly main: Html
  readonly narrow?: boolean
}

/** A whole page of the demo: one look for the apps and the providers, in the colour of each. */
export const page = ({ title, colour, bar, main, narrow = false }: Page): string => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Crect width='8' height='8' rx='2' fill='${encodeURIComponent(colour)}'/%3E%3C/svg%3E">
<style>${{ html: style(colour) }}</style>
</head>
<body>
<header>${bar}</header>
<main class="${narrow ? 'narrow' : ''}">
${main}
</main>
</body>
</html>
`.html
