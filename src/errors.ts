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
  // Forwarding
  PORTICO_UPSTREAM_UNREACHABLE: {
    status: 502,
    title: 'The app does not answer',
    public: 'The app behind this address cannot be reached at the moment. Try again in a moment.',
    remedy: 'See the log line with this request id: is the upstream running, and is its certificate the one that portico.yaml expects?'
  },
  PORTICO_UPSTREAM_TIMEOUT: {
    status: 504,
    title: 'The app takes too long',
    public: 'The app behind this address did not answer in time. Try again in a moment.',
    remedy: 'See why the upstream is slow, or raise its timeout in portico.yaml.'
  },
  PORTICO_WEBSOCKET_ORIGIN: {
    status: 403,
    title: 'This page may not connect here',
    public: 'The page that opened this connection does not belong to the app.',
    remedy: 'If the page is one of yours, add its origin to websocket_origins of the app.'
  },
  PORTICO_REQUEST_TIMEOUT: {
    status: 408,
    title: 'The request took too long',
    public: 'The request did not arrive in time.',
    remedy: 'Nothing to do, unless honest clients meet it: see the client and what is between it and Portico.'
  },
  PORTICO_HEADERS_TOO_LARGE: {
    status: 431,
    title: 'The request is too large',
    public: 'The request has more headers or cookies than can be read. Deleting the cookies of this site may help.',
    remedy: 'An app that sets many or large cookies should set fewer: all headers together may have 32 KiB.'
  },
  PORTICO_METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'Not possible here',
    public: 'This address does not support what was asked of it.',
    remedy: 'See docs/reference.md for the methods of each path.'
  },
  PORTICO_SHUTTING_DOWN: {
    status: 503,
    title: 'Back in a moment',
    public: 'This server is restarting. Try again in a moment.',
    remedy: 'Nothing to do: Portico was told to stop, finishes what is under way and takes no new requests.'
  },
  PORTICO_OPS_TOKEN: {
    status: 401,
    title: 'A token is needed',
    public: 'This page needs the bearer token of the ops listener.',
    remedy: 'Send `Authorization: Bearer …` with the token of ops.token, or ask from loopback.'
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
