import type { Connection } from '../../config/configuration.ts'
import type { NameId } from '../connector.ts'
import { isValue } from '../sound.ts'
import { attributeNames, readAttributes, type AttributeNames, type Attributes } from './attributes.ts'
import type { Assertion } from './received.ts'
import { samlSettings } from './settings.ts'

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'

/** A verified assertion, its attributes by name, and which of them count. */
export interface Facts {
  readonly assertion: Assertion
  readonly attributes: Attributes
  readonly names: AttributeNames
}

/** A value and where it came from, in words. */
export interface Found<T = string> {
  readonly value: T
  readonly from: string
}

export const factsOf = (assertion: Assertion, connection: Connection): Facts =>
  ({ assertion, attributes: readAttributes(assertion.attributes), names: attributeNames(samlSettings(connection).attributes) })

/** The NameID, if it lasts: a transient one is another at each sign-in. */
export const lastingNameId = ({ nameId }: Assertion): NameId | undefined => nameId?.format === transient ? undefined : nameId

/** Whether a NameID can be kept, compared and named again; one of blanks alone would be everybody's. */
export const isKeepable = ({ value, format = '', nameQualifier = '', spNameQualifier = '' }: NameId): boolean =>
  value.trim() !== '' && [value, format, nameQualifier, spNameQualifier].every(isValue)

/** The only text that is said, however often. */
export const single = (values: readonly string[]): string | undefined => new Set(values).size === 1 ? values[0] : undefined
