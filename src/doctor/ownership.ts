import { createHash } from 'node:crypto'
import { domainToUnicode } from 'node:url'
import type { Configuration, Organization } from '../config/configuration.ts'
import { foreignText } from '../connections/foreign.ts'
import type { Examination } from './examination.ts'
import { ok, warning, type Finding } from './finding.ts'

/** Milliseconds for a name server. */
const patience = 5_000

/**
 * The TXT record by which an organization shows that a domain is its own (product R2). Its value binds
 * domain, organization and this Portico together; it is no secret, since whoever reads it cannot publish
 * it there, and depends on no key, so that it stays right when keys are rotated.
 */
export const ownershipRecord = ({ authOrigin }: Pick<Configuration, 'authOrigin'>, { organization }: { readonly organization: Pick<Organization, 'id'> }, domain: string): { name: string, value: string } => {
  const digest = createHash('sha256').update(JSON.stringify(['portico domain ownership', authOrigin, organization.id, domain])).digest('hex')
  return { name: `_portico.${domain}`, value: `portico-verification=${digest.slice(0, 32)}` }
}

const within = async <T>(work: Promise<T>): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })), patience)
  return await Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

const judge = async (domain: string, { configuration, connection, resolveTxt }: Examination): Promise<Finding> => {
  const { name, value } = ownershipRecord(configuration, connection, domain)
  const check = 'domain'
  const shown = domainToUnicode(domain)
  const wanted = `${name} TXT "${value}"`
  const remedy = `Have ${connection.organization.name} publish that record, which shows that ${shown} is theirs; sign-ins do not wait for it.`
  try {
    const records = (await within(resolveTxt(name))).map(parts => parts.join('').trim())
    if (records.includes(value)) return ok(check, wanted, 'just that')
    const other = records.find(record => record.startsWith('portico-verification='))
    return warning(check, wanted, other === undefined ? 'no such record' : `"${foreignText(other)}"`, other === undefined ? remedy : `${remedy} The one that is there belongs to another organization or auth_url.`)
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    const isMissing = code === 'ENOTFOUND' || code === 'ENODATA'
    return isMissing
      ? warning(check, wanted, 'no such record', remedy)
      : warning(check, wanted, `no answer from the name server (${typeof code === 'string' ? code : 'failed'})`, 'Ask again from a machine that can look up public names.')
  }
}

/** Whether each domain of a connection, accepted ones included, is shown to be the organization's. */
export const probeOwnership = async (examination: Examination): Promise<readonly Finding[]> =>
  await Promise.all([...examination.connection.assertable].map(domain => judge(domain, examination)))
