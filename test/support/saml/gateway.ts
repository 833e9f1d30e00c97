import { createForge, type Forge, type ForgeOptions, type MetadataFacts } from '../saml-forge.ts'
import { startGateway, submit, formOf, type GatewayOptions, type Test, type World } from '../gateway.ts'
import type { Answer, Browser } from '../browser.ts'
import { startForgeIdp, type ForgeIdp } from './forge-idp.ts'

export interface SamlGatewayOptions extends GatewayOptions {
  readonly forge?: ForgeOptions
  /** What the provider's metadata says beside the usual. */
  readonly metadata?: MetadataFacts
  /** Settings of `acme_saml` over the usual ones, as they stand in YAML; undefined leaves one out. */
  readonly saml?: Readonly<Record<string, string | undefined>>
}

export interface SamlWorld extends World {
  readonly forge: Forge
  readonly idp: ForgeIdp
  /** YAML of the organization acme with other settings of `acme_saml`: for `reload ({ acme: … })`. */
  acmeWith (saml: Readonly<Record<string, string | undefined>>): string
  /** Opens a page, types Ada's e-mail if asked, and ends at the provider's form, whose fields go back to the ACS. */
  reachIdp (browser: Browser, page: string): Promise<Answer>
  /** Posts the provider's form as its page does, from another site; redirects not followed. */
  postBack (browser: Browser, form: Answer, changed?: Readonly<Record<string, string>>): Promise<Answer>
  /** The whole way, ending where the browser ends. */
  signInBySaml (browser: Browser, page: string): Promise<Answer>
}

/** The whole gateway as `startGateway` starts it, with acme signing in by SAML through `acme_saml` at a forge on HTTP. */
export const startSamlGateway = async (t: Test, options: SamlGatewayOptions = {}): Promise<SamlWorld> => {
  const forge = createForge({ connection: 'acme_saml', ...options.forge })
  const idp = await startForgeIdp(forge, options.metadata)
  t.teardown(() => idp.close())
  const acmeWith = (saml: Readonly<Record<string, string | undefined>>): string => [
    'name: Acme Corp',
    'connections:',
    '  acme_saml:',
    ...Object.entries({ connector: 'saml', status: 'active', domains: '[acme.com, acme.co.uk]', metadata_url: idp.metadataUrl, ...options.saml, ...saml })
      .flatMap(([key, value]) => value === undefined ? [] : [`    ${key}: ${value}`])
  ].join('\n')
  const world = await startGateway(t, {
    ...options,
    organizations: usual => ({ ...usual, acme: acmeWith({}), ...options.organizations?.(usual) })
  })
  const isIdp = (url: URL): boolean => url.origin === idp.origin

  const reachIdp: SamlWorld['reachIdp'] = async (browser, page) => {
    const first = await browser.open(page, { until: isIdp })
    const asked = first.text.includes('name="email"')
      ? await browser.follow(await submit(browser, first, { email: 'ada@acme.com' }), isIdp)
      : first
    if (asked.location !== undefined && isIdp(asked.location)) return await browser.send(asked.location)
    // the POST binding: a page of ours with a form
    if (asked.text.includes('name="SAMLRequest"')) {
      const { action, fields } = formOf(asked)
      return await browser.send(action, { body: new URLSearchParams(fields), crossSitePost: true })
    }
    return asked
  }

  const postBack: SamlWorld['postBack'] = async (browser, form, changed = {}) => {
    const { action, fields } = formOf(form)
    return await browser.send(action, { body: new URLSearchParams({ ...fields, ...changed }), crossSitePost: true })
  }

  return {
    ...world,
    forge,
    idp,
    acmeWith,
    reachIdp,
    postBack,
    signInBySaml: async (browser, page) => await browser.follow(await postBack(browser, await reachIdp(browser, page)))
  }
}
