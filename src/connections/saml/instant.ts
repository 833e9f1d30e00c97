import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'

/** Seconds that the provider's clock may be off, either way (behaviours S19). */
export const skew = 180

const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?Z$/

/**
 * Seconds since the epoch of an xs:dateTime in UTC (SAML Core §1.3.3), fractions kept. Throws
 * PORTICO_SAML_TIME for what is none, such as the 30th of February; `name` says which time it is.
 */
export const readInstant = (text: string, name: string): number => {
  const [, whole, fraction = ''] = pattern.exec(text) ?? []
  const milliseconds = Date.parse(`${whole}Z`)
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== `${whole}.000Z`) {
    throw new PorticoError('PORTICO_SAML_TIME', { wanted: `${name} as a time in UTC`, got: text === '' ? 'nothing' : foreignText(text) })
  }
  return milliseconds / 1_000 + Number(`0${fraction}`)
}
