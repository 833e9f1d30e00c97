import type { SamlSettings } from '../../config/schema/organization.ts'

/** Of each part of an identity the attributes that may carry it: the first that is there does. */
export interface AttributeNames {
  readonly subject: readonly string[]
  readonly email: readonly string[]
  readonly name: readonly string[]
  readonly firstName: readonly string[]
  readonly lastName: readonly string[]
  readonly groups: readonly string[]
  readonly amr: readonly string[]
}

const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const microsoft = 'http://schemas.microsoft.com'
const eduPerson = 'urn:oid:1.3.6.1.4.1.5923.1'

/** Says that the groups are elsewhere, because they are too many (Entra: more than 150). */
export const groupsElsewhere = `${microsoft}/claims/groups.link`

/** Names that Entra gives its people; a guest's tells that they are one. */
export const accountNames: readonly string[] = [`${soap}/name`, `${soap}/upn`, `${soap}/emailaddress`]

/** Where Entra says who vouches for somebody, and of which tenant they are. */
export const vouching = { provider: `${microsoft}/identity/claims/identityprovider`, tenant: `${microsoft}/identity/claims/tenantid` } as const

/** An e-mail for Ping, or whatever else its people sign in with. */
export const pingSubject = 'saml_subject'

/** A full name for Auth0 and AD FS, for Entra what its people sign in with. */
export const fullName = `${soap}/name`

/**
 * What the usual providers send without anybody having said so: Entra and AD FS by addresses, Shibboleth
 * and Keycloak by object identifiers, the others by plain names.
 */
export const knownAttributes: AttributeNames = {
  // SAML V2.0 Subject Identifier Attributes: unlike all others, what they hold never changes by definition
  subject: ['urn:oasis:names:tc:SAML:attribute:subject-id', 'urn:oasis:names:tc:SAML:attribute:pairwise-id'],
  email: [
    `${soap}/emailaddress`,
    'email', 'mail', 'Email', 'emailAddress', 'EmailAddress',
    'user.email', 'User.email', 'User.Email',
    'urn:oid:0.9.2342.19200300.100.1.3',
    'urn:oid:1.2.840.113549.1.9.1',
    'http://schemas.xmlsoap.org/claims/EmailAddress'
  ],
  name: [
    `${microsoft}/identity/claims/displayname`,
    'displayName', 'display_name', 'DisplayName', 'user.displayName', 'User.DisplayName',
    'urn:oid:2.16.840.1.113730.3.1.241',
    'http://schemas.xmlsoap.org/claims/CommonName',
    'name', 'cn', 'urn:oid:2.5.4.3'
  ],
  firstName: [
    `${soap}/givenname`,
    'firstName', 'first_name', 'FirstName', 'user.firstName', 'User.FirstName', 'givenName', 'given_name',
    'urn:oid:2.5.4.42'
  ],
  lastName: [
    `${soap}/surname`,
    'lastName', 'last_name', 'LastName', 'user.lastName', 'User.LastName', 'sn', 'surname', 'family_name',
    'urn:oid:2.5.4.4'
  ],
  groups: [
    `${microsoft}/ws/2008/06/identity/claims/groups`,
    'http://schemas.xmlsoap.org/claims/Group',
    'http://schemas.auth0.com/groups',
    'groups', 'Groups', 'group', 'memberOf', 'member', 'isMemberOf',
    `${eduPerson}.5.1.1`,
    // where a provider tells roles alone, they are its groups; the role that apps are told is never taken from here (R19)
    `${microsoft}/ws/2008/06/identity/claims/role`,
    'http://schemas.auth0.com/roles',
    'Role', 'roles',
    `${eduPerson}.1.1.7`, `${eduPerson}.1.1.9`
  ],
  amr: [`${microsoft}/claims/authnmethodsreferences`]
}

const listed = (named: string | readonly string[] | undefined, known: readonly string[]): readonly string[] =>
  named === undefined ? known : typeof named === 'string' ? [named] : named

/** The attributes of one connection: those that are configured, in place of what is known. */
export const attributeNames = ({ subject, email, name, first_name: firstName, last_name: lastName, groups, amr }: SamlSettings['attributes']): AttributeNames => ({
  subject: listed(subject, knownAttributes.subject),
  email: listed(email, knownAttributes.email),
  name: listed(name, knownAttributes.name),
  firstName: listed(firstName, knownAttributes.firstName),
  lastName: listed(lastName, knownAttributes.lastName),
  groups: listed(groups, knownAttributes.groups),
  amr: listed(amr, knownAttributes.amr)
})

/** One attribute that an assertion has, with at least one value. */
export interface Attribute {
  readonly name: string
  readonly values: readonly string[]
}

/** What an assertion says of a person, by attribute. Values of equal names are joined already (behaviours S22). */
export type Attributes = ReadonlyMap<string, readonly string[]>

/** XML that is laid out for reading puts blanks around values. */
const bare = (value: string): string => value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')

/** Attributes by name, without empty values. Names are compared as they are written. */
export const readAttributes = (attributes: readonly (readonly [string, readonly string[]])[]): Attributes =>
  new Map(attributes.map(([name, values]) => [name, values.map(bare).filter(value => value !== '')]))

/** The first of `names` that is there. */
export const firstOf = (attributes: Attributes, names: readonly string[]): Attribute | undefined => {
  const name = names.find(each => (attributes.get(each) ?? []).length > 0)
  return name === undefined ? undefined : { name, values: attributes.get(name) ?? [] }
}
