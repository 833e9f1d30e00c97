/** Freezes an object and all that it holds, but for bytes, which cannot be; maps and sets are typed read-only. */
export const freeze = <T extends object>(value: T): T => {
  // First, since organizations and their connections point at each other.
  Object.freeze(value)
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null && !Object.isFrozen(child) && !ArrayBuffer.isView(child)) freeze(child)
  }
  return value
}
