import { createHash } from 'node:crypto'
import type { Configuration, Connection } from '../../config/configuration.ts'
import { samlAddressesOf } from '../../config/links.ts'
import { PorticoError } from '../../errors.ts'
import type { Store } from '../../store/store.ts'
import { asPorticoError } from '../failure.ts'
import { foreignText } from '../foreign.ts'
import { enforce, type Verdict } from '../verdict.ts'
import type { Trace } from '../trace.ts'
import type { IdpDescription } from './description.ts'
import type { ResponseExpectations } from './expectations.ts'
import { mapIdentity } from './identity.ts'
import type { Received } from './received.ts'
import { createRequest } from './requests.ts'
import type { SamlConnector } from './saml.ts'
import { samlSettings } from './settings.ts'
import type { SpKeys } from './sp-keys.ts'
import { spEntityIdOf } from './sp-metadata.ts'
import type { Outcome, Verifier } from './verifier.ts'

/** Seconds that a response may wait between its judgement and its use; generous, for clocks that are set. */
const longestWait = 120

/** S17: it answers the request of this very attempt; of an attempt without one (an empty nonce), none. */
const inResponseTo = ({ inResponseTo: given }: Received, nonce: string): Verdict => ({
  name: 'InResponseTo',
  passed: given === (nonce === '' ? undefined : nonce),
  code: 'PORTICO_SAML_IN_RESPONSE_TO',
  wanted: nonce === '' ? 'none' : 'the ID of the request of this sign-in, in SubjectConfirmationData',
  got: given === undefined ? 'none' : given === nonce ? 'it' : 'another one'
})

/** S18: each assertion once, whoever asks, on whatever instance. Throws PORTICO_STORE_UNAVAILABLE. */
const used = async (store: Store, { id: connection }: Connection, { assertion, replayableUntil }: Received, now: number): Promise<Verdict> => {
  const key = createHash('sha256').update(JSON.stringify([connection, assertion.id])).digest('base64url')
  // one that was judged in time may be used when its own time is over: it stays remembered as long
  const isFirst = await store.putIfAbsent('assertion', key, '', Math.ceil(Math.max(replayableUntil, now)) + longestWait)
  return { name: 'Assertion ID', passed: isFirst, code: 'PORTICO_SAML_REPLAYED', wanted: 'an assertion that was not used before', got: isFirst ? 'a new one' : foreignText(assertion.id) }
}

/**
 * Sign-in by SAML (SAML Profiles §4.1): a request by the browser, and a response by POST, judged in a thread of
 * its own. What nobody can say without the browser is judged when its GET has come.
 */
export const createSamlFlow = ({ configuration, store, keys, verifier, describe, refresh }: {
  readonly configuration: () => Configuration
  readonly store: Store
  readonly keys: SpKeys
  readonly verifier: Pick<Verifier, 'judge'>
  /** What is known of the provider. Throws PORTICO_IDP_*, PORTICO_SAML_METADATA. */
  readonly describe: (connection: Connection) => Promise<IdpDescription>
  /** Reads the metadata anew, once a minute at most; tells whether it may be otherwise now. */
  readonly refresh: (connection: Connection) => Promise<boolean>
}): SamlConnector => {
  const expectationsOf = async (connection: Connection): Promise<ResponseExpectations> => {
    const { entityId, certificates } = await describe(connection)
    const { authOrigin } = configuration()
    const settings = samlSettings(connection)
    return {
      entityId,
      certificates,
      acsUrls: [samlAddressesOf(authOrigin, connection.id).acs, ...settings.acs_urls],
      audience: spEntityIdOf(connection, authOrigin),
      wantSigned: settings.want_signed,
      allowSha1: settings.dangerously_allow_sha1,
      allowCbc: settings.dangerously_allow_cbc,
      decryptionKeys: (await keys.all()).map(({ privateKey }) => privateKey),
      maxAge: settings.max_age
    }
  }

  const judge = async (connection: Connection, message: string, now: number): Promise<Outcome> =>
    await verifier.judge({ kind: 'response', message, expectations: await expectationsOf(connection), now })

  return {
    authorize: async (connection, { redirectUri, state, loginHint, prompt }) => {
      try {
        const [description, [key]] = await Promise.all([describe(connection), keys.all()])
        if (key === undefined) throw new TypeError('no keys are configured')
        const issuer = spEntityIdOf(connection, configuration().authOrigin)
        const { id, sent } = await createRequest(connection, { description, issuer, redirectUri, state, loginHint, prompt }, key)
        return { ...sent, secrets: { nonce: id, codeVerifier: '' } }
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    },

    receive: async (connection, message, now, trace) => {
      try {
        const first = await judge(connection, message, now)
        // it may sign with a key that is newer than what is known of it
        const isUnknownKey = first.kind === 'refused' && first.refusal.code === 'PORTICO_SAML_SIGNATURE' && await refresh(connection)
        const outcome = isUnknownKey ? await judge(connection, message, now) : first
        tell(outcome, trace)
        if (outcome.kind === 'received') return outcome.received
        if (outcome.kind !== 'refused') throw new TypeError(`a response was judged as ${outcome.kind}`)
        const { code, wanted, got, remedy } = outcome.refusal
        throw new PorticoError(code, { wanted, got, remedy })
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    },

    authenticate: async (connection, { received, secrets }, now, trace) => {
      try {
        if (received === undefined) throw new TypeError('a response by SAML is received before')
        enforce(inResponseTo(received, secrets.nonce), trace)
        enforce(await used(store, connection, received, now), trace)
        return mapIdentity(received, connection, trace)
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    }
  }
}

const tell = ({ checks }: Outcome, trace: Trace | undefined): void => {
  for (const check of checks) trace?.check(check)
}
