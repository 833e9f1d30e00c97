/** Whether two lists say the same. */
export const isSameList = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one === other || (one?.length === other?.length && one?.every((name, index) => name === other?.[index]) === true)
