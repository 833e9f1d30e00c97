import { createPublicKey, type KeyObject } from 'node:crypto'
import { isUsualRsa, rsaBits } from '../connections/oidc/jws.ts'
import { describeAnswer, isObject, parseObject } from '../connections/outbound/answer.ts'
import { foreignText } from '../connections/foreign.ts'
import { ask } from './ask.ts'
import type { Examination } from './examination.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

const check = 'keys'

const curves: ReadonlyMap<string, string> = new Map([['prime256v1', 'P-256'], ['secp384r1', 'P-384'], ['secp521r1', 'P-521']])

const keyOf = (jwk: Record<string, unknown>): KeyObject | undefined => {
  try {
    return createPublicKey({ format: 'jwk', key: jwk })
  } catch {
    return undefined
  }
}

/** `RSA 2048`, `P-256`; undefined for kinds that Portico does not know. */
export const keyKind = ({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined => {
  switch (type) {
    case 'rsa': return `RSA ${details?.modulusLength ?? 0}`
    case 'ec': return curves.get(details?.namedCurve ?? '')
    case 'ed25519': return 'Ed25519'
    default: return undefined
  }
}

interface KnownKey {
  /** `RSA 2048 RS256`; of one that is refused what is wrong with it. */
  readonly text: string
  readonly fault: string | undefined
}

const describeKey = (value: unknown): KnownKey | undefined => {
  if (!isObject(value) || value.use === 'enc') return undefined
  const key = keyOf(value)
  if (key === undefined) return undefined
  const kind = keyKind(key)
  if (kind === undefined) return undefined
  const alg = typeof value.alg === 'string' ? ` ${value.alg}` : ''
  const isRefused = key.asymmetricKeyType === 'rsa' && !isUsualRsa(key)
  return { text: foreignText(`${kind}${alg}`), fault: isRefused ? kind : undefined }
}

/** Whether the keys of a JWKS (RFC 7517) can verify signatures; kinds that Portico does not know are left out as at a sign-in. */
const judgeKeys = (keys: readonly unknown[]): Finding => {
  const wanted = 'at least one key that verifies signatures'
  const known = keys.map(describeKey).filter(key => key !== undefined)
  const usable = known.filter(({ fault }) => fault === undefined)
  const refused = known.flatMap(({ fault }) => fault ?? [])
  const remedy = `Have the provider publish RSA keys of ${rsaBits.least} to ${rsaBits.most} bits with a small exponent, or EC or Ed25519 ones, at its jwks_uri.`
  if (usable.length === 0) return problem(check, wanted, refused.length > 0 ? `only ${refused.join(', ')}` : `none among ${keys.length}`, remedy)
  if (refused.length > 0) return warning(check, 'keys that are all usable', refused.join(', '), remedy)
  return ok(check, wanted, `${usable.length} of ${keys.length}: ${[...new Set(usable.map(({ text }) => text))].slice(0, 6).join(', ')}`)
}

/** The signing keys at `url`. */
export const probeKeys = async (url: string, examination: Examination): Promise<Finding> => {
  const wanted = `a key set at ${url.split('?', 1)[0]}`
  const remedy = 'Without keys no ID token is believed: compare the address, and what a proxy on the way answers.'
  const answer = await ask(url, examination, { headers: { accept: 'application/json, application/jwk-set+json' } })
  if (typeof answer === 'string') return problem(check, wanted, answer, remedy)
  const keys = answer.status === 200 ? parseObject(answer.text)?.keys : undefined
  return Array.isArray(keys) ? judgeKeys(keys) : problem(check, wanted, describeAnswer(answer), remedy)
}
