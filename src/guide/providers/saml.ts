import type { Facts } from '../facts.ts'
import type { ProviderGuide } from '../provider.ts'
import { adfs } from '../saml/adfs.ts'
import { auth0 } from '../saml/auth0.ts'
import { entra } from '../saml/entra.ts'
import { google } from '../saml/google.ts'
import { keycloak } from '../saml/keycloak.ts'
import { okta } from '../saml/okta.ts'
import { onelogin } from '../saml/onelogin.ts'
import { other } from '../saml/other.ts'
import type { SamlGuide } from '../saml/phrases.ts'
import { ping } from '../saml/ping.ts'
import { recognize, type SamlProductId } from '../saml/recognize.ts'
import { shibboleth } from '../saml/shibboleth.ts'
import { sideOf, type SamlDraft, type SamlSide } from '../saml/side.ts'

const products: Readonly<Record<SamlProductId, (side: SamlSide) => SamlGuide>> = { adfs, auth0, entra, google, keycloak, okta, onelogin, other, ping, shibboleth }

/** SAML 2.0 (R7), for the product that the connection's addresses are of, or for any. */
export const saml = (facts: Facts, connection: SamlDraft): ProviderGuide => ({ ...products[recognize(connection)](sideOf(facts, connection)), scopes: [] })
