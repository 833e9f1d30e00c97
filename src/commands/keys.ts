import { randomBytes } from 'node:crypto'
import type { Command } from './command.ts'

/** `portico keys new`: a key for `keys:`, base64 of 32 random bytes. */
export const keysNew: Command = {
  name: 'keys new',
  summary: 'print a new key for keys:',
  // every command takes --config (product.md, "Commands"), this one without a use for it
  options: ['config', 'json'],
  async run ({ json }, { out }) {
    const key = randomBytes(32).toString('base64')
    out(json ? `${JSON.stringify({ key })}\n` : `${key}\n`)
    return 0
  }
}
