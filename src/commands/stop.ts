/** Something that the person at the command line must know: told on standard error, with this exit status. */
export class Stop extends Error {
  readonly status: 1 | 2

  constructor (message: string, status: 1 | 2 = 1) {
    super(message)
    this.status = status
  }
}

/** The command line does not say what to do, or says it wrongly: status 2. */
export const wrongUsage = (message: string): Stop => new Stop(message, 2)
