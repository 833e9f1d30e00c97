/** The form of an issuer that is compared: Auth0 and others have one slash at the end, which people drop. */
export const withoutSlash = (text: string): string => text.endsWith('/') ? text.slice(0, -1) : text

/** Equal up to one slash at the end. */
export const isSameIssuer = (one: string, other: string): boolean => withoutSlash(one) === withoutSlash(other)

/** What stands in the issuer of Entra's multi-tenant documents and keys in place of a tenant's id. */
const placeholder = '{tenantid}'

/** The issuer of one tenant; whatever is no template stays as it is. */
export const issuerOfTenant = (issuer: string, tenant: string): string => issuer.replace(placeholder, () => tenant)

/** Whether `template`, which may be one, can name `issuer`: the same text but for one segment. */
export const canName = (template: string, issuer: string): boolean => {
  if (template === issuer) return true
  const [before = '', after, ...others] = template.split(placeholder)
  if (after === undefined || others.length > 0 || issuer.length <= before.length + after.length) return false
  const segment = issuer.slice(before.length, issuer.length - after.length)
  return issuer.startsWith(before) && issuer.endsWith(after) && !segment.includes('/')
}
