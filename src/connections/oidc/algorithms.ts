/**
 * Signatures that are believed (behaviours O2): asymmetric ones only, since a client secret that
 * signs (HS*) is a key that leaks, and `none` is no signature.
 */
export const acceptedAlgorithms: ReadonlySet<string> = new Set([
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'
])

/** The accepted ones of those that a provider lists; RS256 where it lists none (OpenID Connect Discovery §3). */
export const usableAlgorithms = (listed: readonly string[] | undefined): readonly string[] =>
  listed === undefined ? ['RS256'] : listed.filter(algorithm => acceptedAlgorithms.has(algorithm))
