import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { BrowserContext, BrowserContextOptions, Page, Request } from 'playwright-core'

const executable = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Why there can be no browser here; never in CI, where its absence is a failure. */
export const noBrowser: string | false = existsSync(executable) || process.env.CI === 'true' ? false : `${executable} is not installed`

/** Where pictures of pages go, to be looked at. */
const pictures = process.env.PICTURES ?? 'data/pictures'

export interface Visit {
  readonly context: BrowserContext
  /** Every request of the context, in order. */
  readonly requests: readonly URL[]
  /** What the console and the pages complained about. */
  readonly complaints: readonly string[]
  page (): Promise<Page>
  close (): Promise<void>
}

export interface Chromium {
  /** A browser that nobody has used yet. */
  visit (options?: Pick<BrowserContextOptions, 'javaScriptEnabled' | 'ignoreHTTPSErrors'>): Promise<Visit>
  close (): Promise<void>
}

/** A headless Chromium; every visit to it has cookies of its own. */
export const startChromium = async (): Promise<Chromium> => {
  const browser = await chromium.launch({
    executablePath: executable,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
  return {
    visit: async (options = {}) => {
      const context = await browser.newContext(options)
      context.setDefaultTimeout(15_000)
      const requests: URL[] = []
      const complaints: string[] = []
      context.on('request', request => { requests.push(new URL(request.url())) })
      context.on('console', message => { if (['error', 'warning'].includes(message.type())) complaints.push(`${message.page()?.url()}: ${message.text()}`) })
      context.on('weberror', error => { complaints.push(String(error.error())) })
      return { context, requests, complaints, page: async () => await context.newPage(), close: async () => { await context.close() } }
    },
    close: async () => { await browser.close() }
  }
}

/** What Chromium sends to an origin from now on, in order, once it is asked. */
export const watch = (context: BrowserContext, origin: string) => {
  const requests: Request[] = []
  context.on('request', request => { if (request.url().startsWith(`${origin}/`)) requests.push(request) })
  return async () => await Promise.all(requests.map(async request => {
    const headers = await request.allHeaders()
    return { method: request.method(), path: new URL(request.url()).pathname, cookie: headers.cookie ?? '', site: headers['sec-fetch-site'], type: headers['content-type'] }
  }))
}

/** Types a work e-mail at Portico. */
export const giveEmail = async (page: Page, email: string): Promise<void> => {
  await page.fill('input[name=email]', email)
  await page.press('input[name=email]', 'Enter')
}

/** Keeps a picture of a page outside the repository's history. */
export const picture = async (page: Page, name: string): Promise<void> => {
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}
