/** Follows a stream of WebSocket frames; see createFrameBoundary. */
export interface FrameBoundary {
  follow (chunk: Buffer): void
  /** Whether a frame of one's own may be written now without tearing another's apart. */
  isBetweenFrames (): boolean
}

/**
 * Where frames begin and end in what an upstream sends (RFC 6455 §5.2), from their headers alone:
 * the tunnel passes bytes and need not understand them, except to say goodbye at the right moment.
 */
export const createFrameBoundary = (): FrameBoundary => {
  let header = Buffer.alloc(0)
  let remaining = 0n

  const headerLength = (length: number, masked: boolean): number =>
    2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (masked ? 4 : 0)

  return {
    follow: chunk => {
      let offset = 0
      while (offset < chunk.length) {
        if (remaining > 0n) {
          const step = Math.min(chunk.length - offset, Number(remaining > 0x7fffffffn ? 0x7fffffffn : remaining))
          remaining -= BigInt(step)
          offset += step
          continue
        }
        const start = header.length
        header = Buffer.concat([header, chunk.subarray(offset, offset + 14 - start)])
        const second = header[1]
        const wanted = second === undefined ? 2 : headerLength(second & 0x7f, (second & 0x80) !== 0)
        if (header.length < wanted) return
        const short = (second ?? 0) & 0x7f
        remaining = short === 126 ? BigInt(header.readUInt16BE(2)) : short === 127 ? header.readBigUInt64BE(2) : BigInt(short)
        offset += wanted - start
        header = Buffer.alloc(0)
      }
    },
    isBetweenFrames: () => remaining === 0n && header.length === 0
  }
}
