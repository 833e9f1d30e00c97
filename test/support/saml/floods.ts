import { createForge, type Forge } from '../saml-forge.ts'
import { encryptElement } from './encrypting.ts'
import { namespaces } from './message.ts'

const start = `<samlp:Response xmlns:samlp="${namespaces.protocol}" xmlns:saml="${namespaces.assertion}" ID="_1" Version="2.0">`
const whole = (inside: string): string => `${start}${inside}</samlp:Response>`
const growing = (count: number, part: (index: number) => string): string => Array.from({ length: count }, (_, index) => part(index)).join('')

/**
 * XML that is made to be slow. The first ones no screen should let through; the others stay within every limit of
 * `messageLimits`, and are as large as they can be.
 */
export const hostileXml = (forge: Forge): Readonly<Record<string, string>> => {
  const mallory = createForge({ entityId: forge.entityId })
  const groups = growing(330, index => `<saml:AttributeValue>group-${index} ${'x'.repeat(440)}</saml:AttributeValue>`)
  const large = (xml: string): string => xml.replace('</saml:AttributeStatement>', `<saml:Attribute Name="g">${groups}</saml:Attribute></saml:AttributeStatement>`)
  const declared = growing(20, index => ` xmlns:n${index}="urn:n${index}"`)
  return {
    '80 kB of siblings': whole('<a/>'.repeat(20_000)),
    '180 kB of siblings': whole('<a/>'.repeat(42_000)),
    '80 kB of siblings with text': whole('<a>b</a>'.repeat(10_000)),
    '180 kB of nesting': `${start}${'<a>'.repeat(58_000)}`,
    '180 kB of less-thans': `${start}${'<'.repeat(180_000)}`,
    '180 kB of attributes': whole(`<a ${growing(16_000, index => `a${index}="" `)}/>`),
    '180 kB of references': whole('&amp;'.repeat(36_000)),
    '180 kB of text': whole('a'.repeat(180_000)),
    '180 kB of white space in a tag': whole(`<a${' '.repeat(180_000)}`),
    '180 kB of entities': `<!DOCTYPE r [${growing(5_000, index => `<!ENTITY e${index} "&e${index + 1};">`)}]>${whole('&e0;')}`,
    'within limits: siblings': whole(`<samlp:Extensions>${'<a/>'.repeat(1_900)}</samlp:Extensions>`),
    'within limits: signed by another, 180 kB': mallory.sign(large(mallory.response())),
    'within limits: both signed by another': mallory.sign(large(mallory.response()), { what: 'both' }),
    'within limits: namespaces at every depth': mallory.sign(mallory.response().replace('</saml:AttributeStatement>', `<saml:Attribute Name="g"><saml:AttributeValue>${growing(25, index => `<n${index % 20}:a${declared}>`)}${growing(25, index => `</n${(24 - index) % 20}:a>`)}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`)),
    'within limits: 16 prefixes': mallory.sign(large(mallory.response()).replace('<samlp:Response ', `<samlp:Response${growing(16, index => ` xmlns:p${index}="urn:p${index}"`)} `), { inclusive: Array.from({ length: 16 }, (_, index) => `p${index}`) }),
    'within limits: keys that open nothing': mallory.response().replace(/<saml:Assertion .*<\/saml:Assertion>/s, assertion =>
      encryptElement(assertion, mallory.certificate).replace(/<xenc:EncryptedKey .*<\/xenc:EncryptedKey>/s, key => key.replace(/ Id="[^"]*"/, '').repeat(4)))
  }
}

const form = (SAMLResponse: string): Buffer => Buffer.from(new URLSearchParams({ SAMLResponse }).toString())

/** Whole bodies of a POST to an ACS, of up to 256 KiB and one beyond it. */
export const hostileBodies = (forge: Forge): Readonly<Record<string, Buffer>> => ({
  ...Object.fromEntries(Object.entries(hostileXml(forge)).map(([name, xml]) => [name, form(Buffer.from(xml).toString('base64'))])),
  '250 kB of fields': Buffer.from('a=b&'.repeat(62_500)),
  '250 kB of ampersands': Buffer.alloc(250_000, '&'),
  '250 kB of escapes': Buffer.from(`SAMLResponse=${'%41'.repeat(83_000)}`),
  '250 kB of broken escapes': Buffer.from(`SAMLResponse=${'%'.repeat(250_000)}`),
  '250 kB of plus signs': Buffer.from(`SAMLResponse=${'+'.repeat(250_000)}`),
  '250 kB of RelayState': Buffer.from(`SAMLResponse=AAAA&RelayState=${'a'.repeat(250_000)}`),
  '250 kB that are no UTF-8': Buffer.concat([Buffer.from('SAMLResponse='), Buffer.alloc(250_000, 0xc0)]),
  'a megabyte': Buffer.from(`SAMLResponse=${'A'.repeat(1_048_576)}`)
})
