import { randomInt } from 'node:crypto'

/**
 * A map from texts that `fits` takes to two whole numbers below 2³², for millions of them: about sixty bytes each,
 * outside of what the garbage collector walks through.
 */
export interface TextTable {
  readonly size: number
  /** Where the text is, until the next `set` or `prune`; -1 for nowhere, as for whatever does not fit. */
  find (text: string): number
  firstAt (place: number): number
  secondAt (place: number): number
  set (text: string, first: number, second: number): void
  /** Deletes what `isOver` of some of the places; one call after the other, it comes to each. */
  prune (places: number, isOver: (second: number) => boolean): void
  /** Everything; what is set or deleted meanwhile may be in it or not. */
  entries (): Iterable<readonly [text: string, first: number, second: number]>
}

const chunkBits = 18
const chunkSize = 1 << chunkBits
const smallest = 1 << 10

/** Whether a table can hold the text: what ids consist of, and not too long. */
export const fits = (text: string): boolean => /^[\0-\xff]{0,255}$/.test(text)

/**
 * Open addressing with linear probing. A place says where the text is: in chunks of bytes, one after the other,
 * each let go of when nothing in it lives any more. Hashes are seeded, since people outside choose some of the texts.
 */
export const createTextTable = (): TextTable => {
  const seed = randomInt(2 ** 32)
  let mask = smallest - 1
  let hashes = new Uint32Array(smallest)
  /** One more than the text's place in the chunks; 0 for an empty slot. */
  let texts = new Uint32Array(smallest)
  let firsts = new Uint32Array(smallest)
  let seconds = new Uint32Array(smallest)
  let size = 0
  let pruned = 0
  const chunks: ({ readonly bytes: Buffer, end: number, living: number } | undefined)[] = []
  let filling = -1

  const hashOf = (text: string): number => {
    let hash = seed
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x5bd1e995)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b)
    return (hash ^ (hash >>> 16)) >>> 0
  }

  const isAt = (place: number, text: string): boolean => {
    const bytes = chunks[place >>> chunkBits]?.bytes
    let at = place & (chunkSize - 1)
    if (bytes === undefined || bytes[at++] !== text.length) return false
    for (let i = 0; i < text.length; i++) if (bytes[at++] !== text.charCodeAt(i)) return false
    return true
  }

  /** The text's slot, or the empty one where it belongs. */
  const slotOf = (hash: number, text: string): number => {
    let slot = hash & mask
    for (let place = texts[slot] ?? 0; place !== 0; place = texts[slot] ?? 0) {
      if (hashes[slot] === hash && isAt(place - 1, text)) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  const fill = (slot: number, hash: number, text: number, first: number, second: number): void => {
    hashes[slot] = hash
    texts[slot] = text
    firsts[slot] = first
    seconds[slot] = second
  }

  const resize = (capacity: number): void => {
    const before = { hashes, texts, firsts, seconds }
    mask = capacity - 1
    hashes = new Uint32Array(capacity)
    texts = new Uint32Array(capacity)
    firsts = new Uint32Array(capacity)
    seconds = new Uint32Array(capacity)
    for (const [old, text] of before.texts.entries()) {
      if (text === 0) continue
      const hash = before.hashes[old] ?? 0
      let slot = hash & mask
      while (texts[slot] !== 0) slot = (slot + 1) & mask
      fill(slot, hash, text, before.firsts[old] ?? 0, before.seconds[old] ?? 0)
    }
  }

  /** Writes a text behind the others, and says where. */
  const write = (text: string): number => {
    let chunk = chunks[filling]
    if (chunk === undefined || chunk.end + 1 + text.length > chunkSize) {
      if (chunk?.living === 0) chunks[filling] = undefined
      filling = chunks.indexOf(undefined)
      if (filling === -1) filling = chunks.length
      chunk = { bytes: Buffer.alloc(chunkSize), end: 0, living: 0 }
      chunks[filling] = chunk
    }
    const at = chunk.end
    chunk.bytes[at] = text.length
    chunk.bytes.write(text, at + 1, 'latin1')
    chunk.end = at + 1 + text.length
    chunk.living++
    return filling * chunkSize + at
  }

  const remove = (slot: number): void => {
    const index = ((texts[slot] ?? 0) - 1) >>> chunkBits
    const chunk = chunks[index]
    if (chunk !== undefined && --chunk.living === 0 && index !== filling) chunks[index] = undefined
    let hole = slot
    for (let next = (hole + 1) & mask; texts[next] !== 0; next = (next + 1) & mask) {
      const home = (hashes[next] ?? 0) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      fill(hole, hashes[next] ?? 0, texts[next] ?? 0, firsts[next] ?? 0, seconds[next] ?? 0)
      hole = next
    }
    texts[hole] = 0
    size--
  }

  return {
    get size () { return size },

    find (text) {
      const slot = slotOf(hashOf(text), text)
      return texts[slot] === 0 ? -1 : slot
    },

    firstAt: place => firsts[place] ?? 0,
    secondAt: place => seconds[place] ?? 0,

    set (text, first, second) {
      const hash = hashOf(text)
      const slot = slotOf(hash, text)
      const known = texts[slot] ?? 0
      fill(slot, hash, known === 0 ? write(text) + 1 : known, first, second)
      if (known === 0 && ++size > (mask + 1) * 0.7) resize((mask + 1) * 2)
    },

    prune (places, isOver) {
      for (let left = Math.min(places, mask + 1); left > 0; left--) {
        pruned = (pruned + 1) & mask
        // what removing one brings up into its slot is looked at as well
        while (texts[pruned] !== 0 && isOver(seconds[pruned] ?? 0)) remove(pruned)
      }
      if (size < (mask + 1) / 8 && mask + 1 > smallest) resize((mask + 1) / 2)
    },

    // by the chunks, where nothing ever moves
    * entries () {
      for (const [index, chunk] of chunks.entries()) {
        if (chunk === undefined) continue
        const { bytes } = chunk
        for (let at = 0; at < chunk.end; at += 1 + (bytes[at] ?? 0)) {
          const text = bytes.toString('latin1', at + 1, at + 1 + (bytes[at] ?? 0))
          const slot = slotOf(hashOf(text), text)
          if (texts[slot] === index * chunkSize + at + 1) yield [text, firsts[slot] ?? 0, seconds[slot] ?? 0]
        }
      }
    }
  }
}
