/** Edit distance with swapped neighbours counting once (Damerau), or `limit + 1` as soon as it is certain to be more. */
const distance = (a: string, b: string, limit: number): number => {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1)
      current.push(least)
    }
    if (Math.min(...current) > limit) return limit + 1
    before = previous
    previous = current
  }
  return previous[b.length] ?? limit + 1
}

/** The candidate that `word` most likely meant, if one is close enough. Long words are never compared. */
export const suggest = (word: string, candidates: Iterable<string>): string | undefined => {
  if (word.length > 64) return undefined
  const wanted = word.toLowerCase().replaceAll('-', '_')
  let best: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = distance(wanted, candidate.toLowerCase().replaceAll('-', '_'), least - 1)
    if (edits < least) [best, least] = [candidate, edits]
  }
  return best
}

/** What to do about a word that is none of the candidates: `did you mean 'okta_acme'?`, or `otherwise` where none is close enough. */
export const didYouMean = (word: string, candidates: Iterable<string>, otherwise: string): string => {
  const meant = suggest(word, candidates)
  return meant === undefined ? otherwise : `did you mean '${meant}'?`
}
