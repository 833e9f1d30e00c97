/**
 * Passes on what several write into one log, whole lines only, so that none begins in the middle of another's.
 * A line that its writer did not finish, since it was killed, is dropped.
 */
export const createWholeLines = (write: (lines: string) => void): (text: string) => void => {
  let begun = ''
  return text => {
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) write(begun + text.slice(0, end))
    begun = end > 0 ? text.slice(end) : begun + text
  }
}
