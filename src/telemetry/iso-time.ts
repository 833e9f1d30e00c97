/**
 * The current time as RFC 3339 text. `toISOString` costs as much as the rest of a request line, and
 * a busy gateway asks many times in a millisecond, so the last answer is kept for as long as it holds.
 */
export const createIsoTime = (now: () => number = Date.now): () => string => {
  let at = Number.NaN
  let text = ''
  return () => {
    const milliseconds = now()
    if (milliseconds !== at) {
      at = milliseconds
      text = new Date(milliseconds).toISOString()
    }
    return text
  }
}
