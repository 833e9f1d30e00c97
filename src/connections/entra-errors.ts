import { entraCode } from './oidc/client-fault.ts'
import type { Verdict } from './verdict.ts'

type Meaning = Pick<Verdict, 'code' | 'remedy'>

const wrongAccount = (remedy: string): Meaning => ({ code: 'PORTICO_IDP_WRONG_ACCOUNT', remedy })
const refused = (remedy: string): Meaning => ({ code: 'PORTICO_IDP_REFUSED', remedy })

/** Microsoft's own numbers for what its sign-in page refuses. */
const meanings: ReadonlyMap<string, Meaning> = new Map([
  ['AADSTS50020', wrongAccount('The person is signed in at Microsoft with an account of another tenant: they use another account, or the tenant invites them as a guest.')],
  ['AADSTS90072', wrongAccount('The person is signed in at Microsoft with an account that this tenant does not know: they use another account.')],
  ['AADSTS50034', wrongAccount('There is no such account in this tenant: the person uses another one, or the tenant\'s admin adds them.')],
  ['AADSTS50128', wrongAccount('Microsoft knows no tenant for this e-mail domain: the person uses another account.')],
  ['AADSTS50105', refused('The person is not assigned to the application: the tenant\'s admin assigns them, or turns "Assignment required" off, under Enterprise applications > Users and groups.')],
  ['AADSTS50057', refused('The account is disabled: the tenant\'s admin enables it.')],
  ['AADSTS53003', refused('A Conditional Access policy of the tenant keeps the person out: see the sign-in log in Entra.')],
  ['AADSTS65001', refused('Nobody consented to the application: the tenant\'s admin grants admin consent under API permissions.')],
  ['AADSTS65004', refused('The person declined consent: the tenant\'s admin grants admin consent under API permissions.')],
  ['AADSTS90094', refused('The application needs admin consent: the tenant\'s admin grants it under API permissions.')],
  ['AADSTS700016', refused('There is no such application in this tenant: compare client_id and tenant_id, and have the tenant\'s admin consent to it.')],
  ['AADSTS50194', refused('The application is registered for one tenant alone: set tenancy: single and tenant_id, or register it as multitenant.')],
  ['AADSTS50011', refused('The redirect URI is not registered: add the one of this connection to the application, platform Web.')]
])

/** What an error of Entra's authorization endpoint means, by the number in its description. */
export const explainEntra = (description: string): Meaning | undefined => meanings.get(entraCode(description) ?? '')
