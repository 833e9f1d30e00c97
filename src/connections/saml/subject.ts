import type { NameId } from '../connector.ts'

/** What parts are told apart by, and what stands for it inside of one. */
const part = (text: string): string => text.replace(/[% ]/g, encodeURIComponent)

/**
 * Who somebody is at an identity provider (SAML Core §8.3.7): its entityID and the NameID, with the
 * qualifiers that it is scoped by. Two that differ in anything but their format are two people. A
 * NameQualifier that only repeats the entityID says no more than none.
 */
export const subjectOf = (entityId: string, { value, nameQualifier, spNameQualifier }: NameId): string => {
  const qualifier = nameQualifier === entityId ? undefined : nameQualifier
  const qualifiers = qualifier === undefined && spNameQualifier === undefined ? [] : [qualifier ?? '', spNameQualifier ?? '']
  return [entityId, value, ...qualifiers].map(part).join(' ')
}

/** The same by an attribute that never changes: nobody whom a NameID of the same text names. */
export const subjectByAttribute = (entityId: string, value: string): string => [entityId, value, 'attribute'].map(part).join(' ')
