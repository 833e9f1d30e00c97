import { PorticoError } from '../../errors.ts'

/** What a text may have before any parser sees it. */
export interface XmlLimits {
  /** Of the text, in UTF-8. */
  readonly bytes: number
  /** `<`: elements count twice, unless they are empty. */
  readonly marks: number
  readonly depth: number
  /** Attributes of one element, and of all; namespace declarations among them. */
  readonly attributes: { readonly one: number, readonly all: number }
  /** Characters of a qualified name. */
  readonly name: number
}

/**
 * Of a protocol message (behaviours S12): 480 groups in elements of their own, as Keycloak sends them, fit into
 * it. Measured on two busy processors: 20 attributes are judged in 5–7 ms of processor time, 150 groups in
 * 8–15 ms, and the slowest that passes these limits is refused after 30–50 ms (decision 0012).
 */
export const messageLimits: XmlLimits = { bytes: 256 * 1_024, marks: 2_000, depth: 32, attributes: { one: 24, all: 2_000 }, name: 128 }

/** Names of elements that are different: for each, xmldom goes through the whole text. SAML knows some forty. */
const mostNames = 128

const refuse = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_MESSAGE', { wanted, got }) }

/** Bytes as text. Throws PORTICO_SAML_MESSAGE unless they are UTF-8, and few enough. */
export const decodeText = (bytes: Uint8Array, limits: XmlLimits): string => {
  if (bytes.length > limits.bytes) refuse(`at most ${limits.bytes} bytes`, `${bytes.length}`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse('UTF-8', 'something else')
  }
}

/**
 * Bytes of base64 (RFC 4648 §4), in which whitespace is no more than layout. Throws PORTICO_SAML_MESSAGE
 * unless it is that from the first character to the last, or when it is longer than `bytes` can make it.
 */
export const decodeBase64 = (text: string, bytes: number): Buffer => {
  // Lines of 64 characters with CR and LF make a text a thirtieth longer.
  if (text.length > bytes * 1.5 + 16) refuse(`base64 of at most ${bytes} bytes`, `${text.length} characters`)
  const bare = text.replace(/[ \t\r\n]+/g, '')
  if (bare === '' || bare.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(bare)) refuse('base64', 'something else')
  return Buffer.from(bare, 'base64')
}

const blank = '[ \\t\\r\\n]'
const qualified = '(?:[A-Za-z_][\\w.-]*:)?[A-Za-z_][\\w.-]*'
const declaration = new RegExp(`<\\?xml${blank}+version=(?:"1\\.0"|'1\\.0')(?:${blank}+encoding=(?:"utf-8"|'utf-8'))?(?:${blank}+standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?${blank}*\\?>`, 'iy')
const startTag = new RegExp(`<(${qualified})`, 'y')
const attribute = new RegExp(`${blank}+(${qualified})${blank}*=${blank}*(?:"([^<"]*)"|'([^<']*)')`, 'y')
const startTagEnd = new RegExp(`${blank}*(/?)>`, 'y')
const endTag = new RegExp(`</(${qualified})${blank}*>`, 'y')

/** Controls, line separators that xmldom takes for line breaks, and what is no character of XML 1.0 (§2.2). */
const forbidden = /[^\t\n\r\x20-\x7e\u{a0}-\u{2027}\u{202a}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u
const wrongReference = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\dA-Fa-f]{1,6});)/
const numericReference = /&#(?:x([\dA-Fa-f]+)|(\d+));/g

const screenReferences = (text: string): void => {
  if (!text.includes('&')) return
  if (wrongReference.test(text)) refuse('the entities of XML', 'another one')
  for (const [, hex, decimal] of text.matchAll(numericReference)) {
    const point = hex === undefined ? Number(decimal) : parseInt(hex, 16)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) || forbidden.test(String.fromCodePoint(point))) {
      refuse('references to characters', 'a reference to something else')
    }
  }
}

/** In XHTML xmldom reads scripts in another way. */
const xhtml = 'http://www.w3.org/1999/xhtml'

const screenNamespace = (name: string, value: string): void => {
  if (name === 'xmlns:xml' || name === 'xmlns:xmlns') refuse('prefixes that are free', name)
  if (!/^[a-z][a-z\d+.-]*:[^\s&"'<>]+$/i.test(value) || value === xhtml) refuse('namespaces that are absolute URIs', 'another one')
}

const isId = (name: string): boolean => /^(?:.*:)?(?:id|assertionid)$/i.test(name)

const match = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/**
 * Whether a text is XML of the simple kind that SAML needs, so that every parser reads it alike (behaviours
 * S2–S6, S12): elements, attributes and text within `limits`; no DOCTYPE, processing instruction, comment or
 * CDATA; every entity known, every namespace an absolute URI, no ID twice. One pass without going back.
 * Throws PORTICO_SAML_MESSAGE.
 */
export const screenXml = (text: string, limits: XmlLimits): void => {
  if (text.length > limits.bytes) refuse(`at most ${limits.bytes} characters`, `${text.length}`)
  if (forbidden.test(text)) refuse('printable characters', 'others')
  const open: string[] = []
  const ids = new Set<string>()
  const elements = new Set<string>()
  const count = { marks: 0, attributes: 0 }
  let at = match(declaration, text, 0)?.[0].length ?? 0
  let roots = 0

  const screenAttributes = (from: number): number => {
    const names = new Set<string>()
    let next = from
    for (let found = match(attribute, text, next); found !== null; found = match(attribute, text, next)) {
      const [whole, name = '', quoted, single = ''] = found
      const value = quoted ?? single
      next += whole.length
      if (name.length > limits.name || names.has(name)) refuse('short names, each once', 'another one')
      names.add(name)
      screenReferences(value)
      if (name === 'xmlns' || name.startsWith('xmlns:')) screenNamespace(name, value)
      if (isId(name) && ids.has(value)) refuse('each ID once', 'one twice')
      if (isId(name)) ids.add(value)
      if (names.size > limits.attributes.one) refuse(`at most ${limits.attributes.one} attributes of an element`, 'more')
      if (++count.attributes > limits.attributes.all) refuse(`at most ${limits.attributes.all} attributes`, 'more')
    }
    return next
  }

  const screenTag = (from: number): number => {
    if (text[from + 1] === '!') refuse('neither DOCTYPE nor comment nor CDATA', 'one')
    if (from === 0 && text.startsWith('<?xml ')) refuse('XML 1.0 in UTF-8', 'another declaration')
    if (text[from + 1] === '?') refuse('no processing instruction', 'one')
    const end = match(endTag, text, from)
    if (end !== null) {
      if (open.pop() !== end[1]) refuse('tags that match', 'others')
      return from + end[0].length
    }
    const [whole, name = ''] = match(startTag, text, from) ?? refuse('tags', 'something else')
    if (name.length > limits.name) refuse(`names of at most ${limits.name} characters`, 'a longer one')
    if (elements.add(name).size > mostNames) refuse(`elements of at most ${mostNames} names`, 'more')
    if (open.length === 0 && ++roots > 1) refuse('one root', 'two')
    const next = screenAttributes(from + whole.length)
    const [rest, slash] = match(startTagEnd, text, next) ?? refuse('tags', 'something else')
    if (slash === '') open.push(name)
    if (open.length > limits.depth) refuse(`elements nested at most ${limits.depth} deep`, 'deeper')
    return next + rest.length
  }

  while (at < text.length) {
    const found = text.indexOf('<', at)
    const mark = found < 0 ? text.length : found
    const between = text.slice(at, mark)
    if (open.length === 0 && /[^ \t\r\n]/.test(between)) refuse('nothing outside of the root', 'something')
    if (between.includes(']]>')) refuse('no end of CDATA', 'one')
    screenReferences(between)
    if (mark < text.length && ++count.marks > limits.marks) refuse(`at most ${limits.marks} tags`, 'more')
    at = mark < text.length ? screenTag(mark) : mark
  }
  if (roots === 0 || open.length > 0) refuse('one whole element', roots === 0 ? 'none' : 'a part of one')
}
