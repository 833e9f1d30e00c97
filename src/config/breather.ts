import { setImmediate } from 'node:timers/promises'

// Work beside requests lets go of the event loop this often, in milliseconds.
const breath = 4

/** To be awaited inside long loops: it lets other work run once it is due. */
export type Breather = () => Promise<void> | undefined

/** A breather, from now. */
export const createBreather = (): Breather => {
  let since = performance.now()
  return () => {
    if (performance.now() - since < breath) return undefined
    return setImmediate().then(() => { since = performance.now() })
  }
}
