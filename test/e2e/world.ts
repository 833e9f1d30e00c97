import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { placesAt } from '../../demo/places.ts'

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

export interface World {
  readonly analytics: string
  readonly dashboardUs: string
  readonly dashboardEu: string
  readonly portal: string
  readonly auth: string
  readonly provider: string
  /** A browser that nobody has used yet. */
  visit (options?: { javaScriptEnabled?: boolean }): Promise<Visit>
  /** The sign-in page of a company's own. */
  readonly initech: string
  /** Runs a command of Portico beside the demo, as its greeting says; answers with what it printed. */
  portico (...args: readonly string[]): Promise<string>
  /** What the demo has printed. */
  printed (): string
  /** Ends the demo as Ctrl-C does, and starts it again. Answers with the exit status. */
  restart (): Promise<number | null>
  close (): Promise<void>
}

const startDemo = async (offset: number, data: string) => {
  const child = spawn(process.execPath, ['bin/demo.js', '--offset', String(offset), '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  const ended = new Promise<number | null>(resolve => { child.on('close', resolve) })
  await new Promise<void>((resolve, reject) => {
    const read = (text: string): void => {
      printed += text
      if (printed.includes('Ctrl-C ends everything')) resolve()
    }
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
    ended.then(status => { reject(new Error(`the demo ended with status ${status}: ${printed}`)) })
  })
  return {
    printed: () => printed,
    close: async () => {
      child.kill('SIGINT')
      return await ended
    }
  }
}

/** Offsets that are tried: below the ports that systems give to outgoing connections, from 32,768 on. */
const offsets = Array.from({ length: 5 }, (_, i) => 1_000 + (process.pid * 7 + i * 437) % 2_200 * 10)

/** Starts the demo at the first offset whose ports nobody has. */
const startSomewhere = async (data: string): Promise<{ offset: number, demo: Awaited<ReturnType<typeof startDemo>> }> => {
  let taken: unknown
  for (const offset of offsets) {
    try {
      return { offset, demo: await startDemo(offset, data) }
    } catch (error) {
      if (!String(error).includes('is taken')) throw error
      taken = error
    }
  }
  throw taken
}

/** The demo as `npm start` brings it up, on other ports and with data of its own, and a headless Chromium. */
export const createWorld = async (): Promise<World> => {
  const data = await mkdtemp(join(tmpdir(), 'portico-demo-'))
  const started = await startSomewhere(data)
  const { offset } = started
  let { demo } = started
  const places = placesAt(offset)
  const browser: Browser = await chromium.launch({
    executablePath: executable,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
  const origin = (i: number): string => {
    const place = places.apps[i]
    if (place === undefined) throw new Error(`there is no app ${i} in the demo`)
    return place.origin
  }
  return {
    analytics: origin(0),
    dashboardUs: origin(1),
    dashboardEu: origin(2),
    portal: origin(3),
    auth: places.authOrigin,
    provider: `http://idp.localhost:${places.provider}`,
    initech: `http://initech.localhost:${places.gateway}`,
    portico: async (...args) => {
      const command = ['bin/portico.js', ...args, '--config', join(data, 'config/portico.yaml')]
      return (await promisify(execFile)(process.execPath, [`--env-file=${join(data, 'demo.env')}`, ...command])).stdout
    },
    printed: () => demo.printed(),
    restart: async () => {
      const status = await demo.close()
      demo = await startDemo(offset, data)
      return status
    },
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
    close: async () => {
      await browser.close()
      await demo.close()
      await rm(data, { recursive: true })
    }
  }
}

/** Types a work e-mail at Portico. */
export const giveEmail = async (page: Page, email: string): Promise<void> => {
  await page.fill('input[name=email]', email)
  await page.press('input[name=email]', 'Enter')
}

/** Signs in at the provider as whom its form says, or as `login`. */
export const signInAtProvider = async (page: Page, login?: string): Promise<void> => {
  await page.waitForSelector('input[name=login]')
  if (login !== undefined) await page.fill('input[name=login]', login)
  await page.click('button[value=sign-in]')
}

/** What an app of the demo shows. */
export const shown = async (page: Page) => {
  await page.waitForSelector('#who')
  return {
    who: await page.innerText('#who'),
    email: await page.innerText('#email'),
    request: await page.innerText('#request'),
    verified: await page.locator('#checks .yes').count(),
    refuted: await page.locator('#checks .no').count()
  }
}

/** Keeps a picture of a page outside the repository's history. */
export const picture = async (page: Page, name: string): Promise<void> => {
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}
