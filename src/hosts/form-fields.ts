import { PorticoError } from '../errors.ts'

/** Fields that a form may have: none of ours, or of an identity provider, comes near. */
const mostFields = 100

const [plus, percent, blank] = [0x2b, 0x25, 0x20]

/** By byte, the value of a hexadecimal digit; -1 for what is none. */
const digits = Int8Array.from({ length: 256 }, (_, byte) => '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase()))

const digitAt = (bytes: Buffer, at: number): number => digits[bytes[at] ?? 0] ?? -1

const decode = (encoded: Buffer): string => {
  if (!encoded.includes(percent) && !encoded.includes(plus)) return encoded.toString('utf8')
  const bytes = Buffer.allocUnsafe(encoded.length)
  let length = 0
  // by hand and without a thing made on the way: this is what a flood is made of
  for (let at = 0; at < encoded.length; at++) {
    const byte = encoded[at] ?? 0
    const high = byte === percent ? digitAt(encoded, at + 1) : -1
    const low = high === -1 ? -1 : digitAt(encoded, at + 2)
    if (low !== -1) {
      bytes[length++] = high * 16 + low
      at += 2
    } else {
      bytes[length++] = byte === plus ? blank : byte
    }
  }
  return bytes.toString('utf8', 0, length)
}

/**
 * The fields of a form, `application/x-www-form-urlencoded`, as `URLSearchParams` reads them; which takes a
 * second for some hundred kilobytes of `a&a&a`, while everybody waits. Throws PORTICO_BAD_REQUEST for more
 * than 100 fields.
 */
export const readFields = (body: Buffer): URLSearchParams => {
  const fields: [string, string][] = []
  let count = 0
  for (let from = 0; from <= body.length;) {
    const next = body.indexOf('&', from)
    const end = next === -1 ? body.length : next
    if (++count > mostFields) throw new PorticoError('PORTICO_BAD_REQUEST', { wanted: `at most ${mostFields} fields in a form`, got: 'more' })
    if (end > from) {
      const field = body.subarray(from, end)
      const equals = field.indexOf('=')
      fields.push(equals === -1 ? [decode(field), ''] : [decode(field.subarray(0, equals)), decode(field.subarray(equals + 1))])
    }
    from = end + 1
  }
  return new URLSearchParams(fields)
}
