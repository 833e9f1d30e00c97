import { hkdfSync } from 'node:crypto'

/**
 * One key per configured key and purpose, in the same order, by HKDF-SHA256 (F9, V4): what one purpose
 * sealed or signed, no other accepts. `length` is in bytes.
 */
export const deriveKeys = (keys: readonly Buffer[], purpose: string, length = 32): Buffer[] =>
  // the configured keys are uniformly random, so RFC 5869 §3.1 lets the salt be empty
  keys.map(key => Buffer.from(hkdfSync('sha256', key, '', `portico/v1/${purpose}`, length)))
