/**
 * Every code that Portico can answer or log, in one place.
 *
 * `status` is the HTTP status of the answer, `public` is all that a stranger may read, `remedy`
 * tells the operator what to do. What was wanted and what came travels on the error itself, to the
 * log and never to the public page.
 */
export interface ErrorDefinition {
  readonly status: number
  /** A heading and a sentence for the person in front of the browser. Reveals nothing. */
  readonly title: string
  readonly public: string
  /** What an operator does about it. */
  readonly remedy: string
}

const define = <const T extends Record<string, ErrorDefinition>> (table: T): Readonly<T> => Object.freeze(table)

export const definitions = define({
  // At the door
  PORTICO_UNKNOWN_HOST: {
    status: 421,
    title: 'Nothing lives at this address',
    public: 'This server does not answer for the host name that was asked for.',
    remedy: 'Add the host to an app in portico.yaml, or point its DNS name elsewhere.'
  },
  PORTICO_SIGN_IN_REQUIRED: {
    status: 401,
    title: 'Please sign in',
    public: 'Nobody is signed in here. Open the page in a browser tab to sign in.',
    remedy: 'Nothing to do: the client follows login_url in a top-level navigation.'
  },
  PORTICO_NOT_FOUND: {
    status: 404,
    title: 'Page not found',
    public: 'There is no such page here.',
    remedy: 'Check the address; docs/reference.md lists the paths of the auth host.'
  },
  PORTICO_BAD_REQUEST: {
    status: 400,
    title: 'The request was not understood',
    public: 'The request could not be read.',
    remedy: 'See what was wanted and what came in the log line with this request id.'
  },
  // The store and sessions
  PORTICO_STORE_UNAVAILABLE: {
    status: 503,
    title: 'Signing in is not possible right now',
    public: 'A part of this service does not answer. Try again in a moment.',
    remedy: 'See what was wanted and what came; the store must be reachable and writable.'
  },
  PORTICO_VALUE_REFUSED: {
    status: 400,
    title: 'The request was not understood',
    public: 'What was sent is too large, or is not text, and cannot be kept.',
    remedy: 'Have the identity provider send less about this person: filter the groups it puts into tokens.'
  },
  PORTICO_INTERNAL: {
    status: 500,
    title: 'Something went wrong on our side',
    public: 'The request could not be answered. It is not your fault; try again in a moment.',
    remedy: 'This is a defect of Portico: report the log line with this request id.'
  }
})

export type ErrorCode = keyof typeof definitions

/** What an operator reads beside the code: what was wanted and what came. Never a secret or token. */
export interface ErrorDetails {
  readonly wanted?: string | undefined
  readonly got?: string | undefined
  /** Replaces the definition's remedy where the place that failed knows better. */
  readonly remedy?: string | undefined
  readonly connection?: string | undefined
  readonly cause?: unknown
}

/** The one error class: a stable code plus what the operator needs. */
export class PorticoError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly wanted: string | undefined
  readonly got: string | undefined
  readonly remedy: string
  readonly connection: string | undefined

  constructor (code: ErrorCode, details: ErrorDetails = {}) {
    const definition: ErrorDefinition = definitions[code]
    const parts: string[] = [definition.title]
    if (details.wanted !== undefined) parts.push(`wanted ${details.wanted}`)
    if (details.got !== undefined) parts.push(`got ${details.got}`)
    super(parts.join('; '), { cause: details.cause })
    this.name = 'PorticoError'
    this.code = code
    this.status = definition.status
    this.wanted = details.wanted
    this.got = details.got
    this.remedy = details.remedy ?? definition.remedy
    this.connection = details.connection
  }
}

/** The text that a stranger may read for `code`. */
export const publicText = (code: ErrorCode): { title: string, text: string } => {
  const definition: ErrorDefinition = definitions[code]
  return { title: definition.title, text: definition.public }
}
