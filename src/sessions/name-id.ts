import { createHash } from 'node:crypto'

/** Whom an identity provider means when it leaves it to us to know (SAML Core §8.3.1); the same as saying nothing. */
const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified'

/** A NameID, as far as a logout is judged by it. */
export interface Named {
  readonly value: string
  readonly format?: string | undefined
}

/** Characters beyond which a digest stands for them: a provider may name many, and each is held for a day. */
const longest = 200

const text = (connection: string, value: string, format: string | undefined, sessionIndex: string | undefined): string => {
  const named = JSON.stringify([value, format, sessionIndex])
  return `${connection}|${named.length > longest ? createHash('sha256').update(named).digest('base64url') : named}`
}

/**
 * What a revocation `name_id` is of: whom a LogoutRequest of this connection's provider names, and which
 * session of theirs, where it says which. The value must be the same to the letter, and so must the format
 * where the request has one; qualifiers are not looked at, since leaving them out means their defaults
 * (SAML Core §8.3.7).
 */
export const nameIdValue = (connection: string, { value, format }: Named, sessionIndex: string | undefined): string =>
  text(connection, value, format === unspecified ? undefined : format, sessionIndex)

/** Every revocation `name_id` that ends a session which began with this NameID and SessionIndex. */
export const nameIdValues = (connection: string, { value, format }: Named, sessionIndex: string | undefined): string[] =>
  [format, undefined].flatMap(each => [sessionIndex, undefined].map(index => text(connection, value, each, index)))
