import type { Path } from '../config/source.ts'
import type { ErrorCode } from '../errors.ts'

/** The setting that decided. */
export interface Decider {
  readonly file: string
  readonly path: Path
  /** Point at the key rather than at its value. */
  readonly key?: boolean
  /** Of a list, or of a file that the setting names: the first item that this accepts. */
  readonly item?: (text: string) => boolean
  /** Where to look when it is not there. */
  readonly else?: Decider
}

/** One thing on the way from a host to an app, in the order in which it is judged. */
export interface Step {
  readonly step: 'host' | 'path' | 'organization' | 'connection' | 'attributes' | 'address' | 'members' | 'record' | 'app' | 'groups'
  readonly says: string
  /** Undefined for what no file says. */
  readonly decider: Decider | undefined
}

/** What the person would come to. */
export interface Verdict {
  /** `sign_in`: sent to the identity provider and let in; `public`: no sign-in; `app_login`: to the app's own login page. */
  readonly outcome: 'sign_in' | 'public' | 'app_login' | 'refused'
  readonly says: string
  /** What the error page shows. */
  readonly code: ErrorCode | undefined
  readonly remedy: string | undefined
  /** Id of the connection that they come to. */
  readonly connection: string | undefined
}
