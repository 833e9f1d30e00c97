const day = 24 * 60 * 60

/** Whether one more may be had today in this name, of `most` for each in this process. `now` in seconds. */
export const createAllowance = (most: number, now: () => number): ((name: string) => boolean) => {
  const used = new Map<string, number>()
  let today = -1
  return name => {
    const date = Math.floor(now() / day)
    if (date !== today) used.clear()
    today = date
    const count = used.get(name) ?? 0
    if (count < most) used.set(name, count + 1)
    return count < most
  }
}
