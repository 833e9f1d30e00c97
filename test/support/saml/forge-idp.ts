import { createPublicKey, verify } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { inflateRawSync } from 'node:zlib'
import { SignedXml } from 'xml-crypto'
import type { Forge, MetadataFacts } from '../saml-forge.ts'
import { escapeXml } from './message.ts'
import { exclusive, signatureMethods } from './signing.ts'
import { named, textOf, treeOf } from './tree.ts'

/** An AuthnRequest, LogoutRequest or LogoutResponse as it came. */
export interface SeenMessage {
  /** Local name of its root: `AuthnRequest`. */
  readonly kind: string
  readonly binding: 'redirect' | 'post'
  readonly xml: string
  readonly relayState: string | undefined
  /** Everything that came beside it, as it came. */
  readonly query: URLSearchParams
  /** Of the root: `ID`, `ForceAuthn`, `AssertionConsumerServiceURL` … */
  attribute (name: string): string | undefined
  /** Text of the first element with this local name. */
  text (name: string): string | undefined
  /** Whether this certificate's key signed it, in the way of its binding. */
  signedBy (certificate: string): boolean
}

/** What it answers a message with: parameters of a form that the browser posts, or where it redirects. */
export type ForgedAnswer =
  | { readonly action: string, readonly fields: Readonly<Record<string, string>> }
  | { readonly location: string }

export interface ForgeIdp {
  readonly forge: Forge
  readonly origin: string
  readonly metadataUrl: string
  readonly ssoUrl: string
  readonly sloUrl: string
  /** Every message, in order. */
  readonly requests: readonly SeenMessage[]
  /** Times that its metadata was fetched. */
  readonly fetched: () => number
  /** How an AuthnRequest is answered: Ada, with a signed assertion, when not assigned. Assign to change it. */
  respond: (request: SeenMessage) => string
  /** How a logout message is answered: a LogoutRequest with Success by redirect, a LogoutResponse with nothing. */
  respondLogout: (message: SeenMessage) => ForgedAnswer | undefined
  /** What its metadata says; assign to change it. */
  metadata: () => string
  close (): Promise<void>
}

const redirectSigned = (raw: string, certificate: string): boolean => {
  const parameter = (name: string): string | undefined => raw.split('&').find(pair => pair.startsWith(`${name}=`))
  const octets = ['SAMLRequest', 'SAMLResponse', 'RelayState', 'SigAlg'].flatMap(name => parameter(name) ?? []).join('&')
  const parameters = new URLSearchParams(raw)
  const method = Object.values(signatureMethods).find(({ uri }) => uri === parameters.get('SigAlg'))
  if (method === undefined) return false
  return verify(method.hash, Buffer.from(octets), createPublicKey(certificate), Buffer.from(parameters.get('Signature') ?? '', 'base64'))
}

const envelopeSigned = (xml: string, certificate: string): boolean => {
  const [signature] = named(treeOf(xml), 'Signature')
  if (signature === undefined) return false
  const verifier = new SignedXml({ publicCert: certificate, canonicalizationAlgorithm: exclusive })
  verifier.loadSignature(textOf(signature))
  try {
    return verifier.checkSignature(xml)
  } catch {
    return false
  }
}

const plain = (text: string | undefined): string | undefined => text
  ?.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&apos;', "'").replaceAll('&amp;', '&')

const seen = (xml: string, binding: SeenMessage['binding'], raw: string): SeenMessage => {
  const query = new URLSearchParams(raw)
  const root = treeOf(xml.replace(/^<\?xml[^>]*>\s*/, ''))
  return {
    kind: root.name.replace(/^.*:/, ''),
    binding,
    xml,
    relayState: query.get('RelayState') ?? undefined,
    query,
    attribute: name => plain(root.attributes.find(([key]) => key === name)?.[1]),
    text: name => plain(named(root, name)[0]?.children.filter(child => typeof child === 'string').join('')),
    signedBy: certificate => binding === 'redirect' ? redirectSigned(raw, certificate) : envelopeSigned(xml, certificate)
  }
}

/** Page with one form that scripts, or a person, or `submit ()` sends. */
const formPage = (action: string, fields: Readonly<Record<string, string>>): string => [
  '<!doctype html><title>Going on</title>',
  `<form method="post" action="${escapeXml(action)}">`,
  ...Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeXml(value)}">`),
  '<button>Go on</button></form><script>document.forms[0].submit()</script>'
].join('')

/**
 * A forge on HTTP, on 127.0.0.1: `/metadata`, `/sso` and `/slo` (Redirect and POST). It asks nobody anything: whoever
 * comes is answered by `respond`, with a form that posts to the request's ACS.
 */
export const startForgeIdp = async (forge: Forge, facts: MetadataFacts = {}): Promise<ForgeIdp> => {
  const requests: SeenMessage[] = []
  let fetched = 0
  const server = createServer((request, response) => {
    const handle = async (): Promise<void> => {
      const { pathname, search } = new URL(request.url ?? '/', 'http://idp')
      if (pathname === '/metadata') {
        fetched++
        response.writeHead(200, { 'content-type': 'application/samlmetadata+xml' }).end(idp.metadata())
        return
      }
      const binding = request.method === 'POST' ? 'post' : 'redirect'
      const raw = binding === 'post' ? await text(request) : search.slice(1)
      const parameters = new URLSearchParams(raw)
      const encoded = parameters.get('SAMLRequest') ?? parameters.get('SAMLResponse')
      if (encoded === null || !['/sso', '/slo'].includes(pathname)) {
        response.writeHead(404).end('not here')
        return
      }
      const bytes = Buffer.from(encoded, 'base64')
      const message = seen((binding === 'post' ? bytes : inflateRawSync(bytes)).toString(), binding, raw)
      requests.push(message)
      const answer: ForgedAnswer | undefined = message.kind === 'AuthnRequest'
        ? {
            action: message.attribute('AssertionConsumerServiceURL') ?? forge.sp.acs,
            fields: { SAMLResponse: forge.post(idp.respond(message)), ...message.relayState !== undefined && { RelayState: message.relayState } }
          }
        : idp.respondLogout(message)
      if (answer === undefined) response.writeHead(200, { 'content-type': 'text/plain' }).end('taken')
      else if ('location' in answer) response.writeHead(302, { location: answer.location }).end()
      else response.writeHead(200, { 'content-type': 'text/html' }).end(formPage(answer.action, answer.fields))
    }
    handle().catch((error: unknown) => { response.writeHead(500).end(String(error)) })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  // listen() on a host gives an address object
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [metadataUrl, ssoUrl, sloUrl] = [`${origin}/metadata`, `${origin}/sso`, `${origin}/slo`]
  const idp: ForgeIdp = {
    forge,
    origin,
    metadataUrl,
    ssoUrl,
    sloUrl,
    requests,
    fetched: () => fetched,
    respond: request => forge.sign(forge.response({ inResponseTo: request.attribute('ID') })),
    respondLogout: message => message.kind === 'LogoutRequest'
      ? { location: `${forge.sp.slo}?${forge.redirect(forge.logoutResponse({ inResponseTo: message.attribute('ID') }), 'SAMLResponse', message.relayState)}` }
      : undefined,
    metadata: () => forge.metadata({ ssoRedirect: ssoUrl, sloRedirect: sloUrl, ...facts }),
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>(resolve => { server.close(() => resolve()) })
    }
  }
  return idp
}
