import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { placesAt } from '../../demo/places.ts'
import { startChromium } from './chromium.ts'
import type { Chromium } from './chromium.ts'

export interface World {
  readonly analytics: string
  readonly dashboardUs: string
  readonly dashboardEu: string
  readonly portal: string
  readonly auth: string
  readonly provider: string
  readonly visit: Chromium['visit']
  /** The sign-in page of a company's own. */
  readonly initech: string
  /** The identity provider that speaks SAML. */
  readonly hooli: string
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
  const browser = await startChromium()
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
    hooli: `http://idp.localhost:${places.provider}/hooli`,
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
    visit: browser.visit,
    close: async () => {
      await browser.close()
      await demo.close()
      await rm(data, { recursive: true })
    }
  }
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
