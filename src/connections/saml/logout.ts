import type { Configuration, Connection } from '../../config/configuration.ts'
import { samlAddressesOf } from '../../config/links.ts'
import { PorticoError } from '../../errors.ts'
import type { NameId } from '../connector.ts'
import type { IdpDescription } from './description.ts'
import { logoutRequest, logoutResponse, messageId, type Heading, type LogoutStatus } from './logout-xml.ts'
import { destinationOf, outgoing, type Outgoing } from './outgoing.ts'
import { samlSettings } from './settings.ts'
import type { SpKey, SpKeys } from './sp-keys.ts'
import { spEntityIdOf } from './sp-metadata.ts'
import type { LogoutMessage, Outcome, Verifier } from './verifier.ts'

interface LogoutReply {
  /** ID of the request that is answered. */
  readonly inResponseTo: string
  readonly status: LogoutStatus
  /** For the provider's log. */
  readonly reason?: string | undefined
  /** As it came with the request. */
  readonly relayState: string | undefined
}

/** Single logout (SAML Profiles §4.4): what goes to an identity provider, and what comes from it. */
export interface SamlLogout {
  /**
   * A LogoutRequest for this person, whose ID the answer names; undefined where the provider takes none.
   * No RelayState: the signed answer says which request it is for. Throws PORTICO_IDP_*, PORTICO_SAML_METADATA.
   */
  request (connection: Connection, person: { readonly nameId: NameId, readonly sessionIndex: string | undefined }): Promise<{ readonly id: string, readonly outgoing: Outgoing } | undefined>
  /**
   * Judges what came to our SLO URL: `message` is the base64 of a POST, or the raw query of a redirect. `now`
   * in seconds. Throws PORTICO_SAML_*, PORTICO_IDP_*. Spends nothing.
   */
  receive (connection: Connection, message: string, binding: 'post' | 'redirect', now: number): Promise<LogoutMessage>
  /** A LogoutResponse; undefined where the provider takes none. Throws as `request`. */
  respond (connection: Connection, reply: LogoutReply): Promise<Outgoing | undefined>
}

/** `request` and `respond` sign always, whatever the provider asks for: either ends somebody's session. */
export const createSamlLogout = ({ configuration, keys, verifier, describe, refresh, clock }: {
  readonly configuration: () => Configuration
  readonly keys: SpKeys
  readonly verifier: Verifier
  readonly describe: (connection: Connection) => Promise<IdpDescription>
  /** Reads the metadata anew; tells whether it may be otherwise now. */
  readonly refresh: (connection: Connection) => Promise<boolean>
  /** Seconds since the epoch. */
  readonly clock: () => number
}): SamlLogout => {
  const headingOf = (connection: Connection, destination: string): Heading =>
    ({ id: messageId(), issuer: spEntityIdOf(connection, configuration().authOrigin), destination, now: clock() })

  const signingKey = async (): Promise<SpKey> => {
    const [first] = await keys.all()
    if (first === undefined) throw new TypeError('no keys are configured')
    return first
  }

  const judge = async (connection: Connection, message: string, binding: 'post' | 'redirect', now: number): Promise<Outcome> => {
    const { entityId, certificates } = await describe(connection)
    const { dangerously_allow_sha1: allowSha1, dangerously_allow_cbc: allowCbc } = samlSettings(connection)
    const decryptionKeys = (await keys.all()).map(({ privateKey }) => privateKey)
    const expectations = { entityId, certificates, destination: samlAddressesOf(configuration().authOrigin, connection.id).slo, allowSha1, allowCbc, decryptionKeys }
    return await verifier.judge({ kind: 'logout', message, binding, expectations, now })
  }

  return {
    request: async (connection, person) => {
      const { slo } = await describe(connection)
      const destination = destinationOf(slo)
      if (destination === undefined) return undefined
      const heading = headingOf(connection, destination)
      const sent = outgoing(slo, { parameter: 'SAMLRequest', xml: logoutRequest(heading, person) }, await signingKey())
      return sent === undefined ? undefined : { id: heading.id, outgoing: sent }
    },

    receive: async (connection, message, binding, now) => {
      const first = await judge(connection, message, binding, now)
      // whatever is wrong with it has one code: it may be signed with a key that is newer than what is known of it
      const isOtherNow = first.kind === 'refused' && await refresh(connection)
      const outcome = isOtherNow ? await judge(connection, message, binding, now) : first
      if (outcome.kind === 'logout') return outcome.logout
      if (outcome.kind !== 'refused') throw new TypeError(`a message of logout was judged as ${outcome.kind}`)
      const { code, wanted, got, remedy } = outcome.refusal
      throw new PorticoError(code, { wanted, got, remedy, connection: connection.id })
    },

    respond: async (connection, { inResponseTo, status, reason, relayState }) => {
      const { slo, sloResponse } = await describe(connection)
      const endpoints = { redirect: sloResponse.redirect ?? slo.redirect, post: sloResponse.post ?? slo.post }
      const destination = destinationOf(endpoints)
      if (destination === undefined) return undefined
      const xml = logoutResponse(headingOf(connection, destination), { inResponseTo, status, reason })
      return outgoing(endpoints, { parameter: 'SAMLResponse', xml, relayState }, await signingKey())
    }
  }
}
