import type { Expiries } from '../connections/expiry.ts'
import type { Examination } from './examination.ts'
import { judgeExpiries } from './expiry.ts'
import type { Finding } from './finding.ts'
import { examineOidc } from './oidc-provider.ts'
import { probeOwnership } from './ownership.ts'
import { examineSaml } from './saml-provider.ts'

/** Everything that can be told of one connection without a user and without changing anything. Never throws for what a provider does. */
export const examineConnection = async (examination: Examination, expiries: Expiries): Promise<readonly Finding[]> => {
  const { connection, now } = examination
  const ownership = probeOwnership(examination)
  const provider = await (connection.connector === 'saml' ? examineSaml : examineOidc)(examination)
  return [...provider, ...judgeExpiries(connection, expiries, now()), ...await ownership]
}
