import { PorticoError } from '../errors.ts'

/** By SQLite's primary result code: https://www.sqlite.org/rescode.html */
const causes: Readonly<Record<number, { got: string, remedy: string } | undefined>> = {
  5: { got: 'a database that another process keeps locked', remedy: 'Close the program that holds the database open in a transaction.' },
  8: { got: 'a database that may not be written', remedy: 'Give the user that Portico runs as write permission on the file and on its folder.' },
  10: { got: 'an input/output error', remedy: 'Check the disk and the kernel log; the store must be on a local disk, not on a network file system.' },
  11: { got: 'a damaged database', remedy: 'Move the file away and restart: everybody signs in again, and members are recorded anew. Or restore a backup.' },
  13: { got: 'a full disk', remedy: 'Free space on the disk of store.path.' },
  14: { got: 'a file that cannot be opened', remedy: 'Check that store.path names a file, in a folder that the user Portico runs as may write.' },
  26: { got: 'a file that is not a database', remedy: 'Point store.path at another file, or move this one away.' }
}

/** What the file system says before SQLite gets to see the file. */
const systemCauses: Readonly<Record<string, number | undefined>> = {
  EACCES: 8, EPERM: 8, EROFS: 8, ENOSPC: 13, EDQUOT: 13, ENOENT: 14, ENOTDIR: 14, EISDIR: 14, EEXIST: 14, EIO: 10
}

const codeOf = (error: unknown, name: 'code' | 'errcode'): unknown =>
  error instanceof Error ? Reflect.get(error, name) : undefined

/** PORTICO_STORE_UNAVAILABLE for whatever SQLite or the file system threw; a PorticoError as it is. */
export const storeFailure = (error: unknown, path: string): PorticoError => {
  if (error instanceof PorticoError) return error
  const code = codeOf(error, 'code')
  const errcode = codeOf(error, 'errcode')
  const result = typeof errcode === 'number' ? errcode & 0xff : systemCauses[String(code)]
  const known = result === undefined ? undefined : causes[result]
  const got = known?.got ??
    (code === 'ERR_INVALID_STATE' ? 'a store that is closed' : `${String(code ?? 'an unknown failure')}${errcode === undefined ? '' : ` ${String(errcode)}`}`)
  return new PorticoError('PORTICO_STORE_UNAVAILABLE', {
    wanted: `a writable SQLite database at ${path}`,
    got,
    remedy: known?.remedy,
    cause: error
  })
}

/** Runs work on the database at `path`; whatever SQLite or the file system throws there is PORTICO_STORE_UNAVAILABLE. */
export const createGuard = (path: string) => <T>(work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw storeFailure(error, path)
  }
}
