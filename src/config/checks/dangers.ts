import type { Report } from '../reporter.ts'
import type { Path } from '../source.ts'

/** Every protection that is given up is a warning. */
export const checkDangers = (file: string, value: unknown, report: Report, path: Path = []): void => {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    const isDanger = child === true && key.startsWith('dangerously_')
    if (!isDanger && typeof child !== 'object') continue
    const at = [...path, Array.isArray(value) ? Number(key) : key]
    if (isDanger) {
      report({ file, path: at, key: true, severity: 'warning', message: 'a protection is switched off', remedy: 'remove it as soon as you can' })
    } else checkDangers(file, child, report, at)
  }
}
