import { startProvider } from '../../test/support/provider.ts'
import { serveSubject } from '../subject.ts'

/**
 * A real OpenID Connect provider in a process of its own, with so many people `p<n>@acme.com`. It says all that it
 * knows of them in its ID tokens, as the large providers do, or with `userinfo` at its userinfo endpoint.
 */
const [secret = '', redirectUri = '', count = '1', where = 'id_token', groups = '3'] = process.argv.slice(2)
const names = Array.from({ length: Number(groups) }, (_, i) => `${String(i).padStart(8, '0')}-0000-4000-8000-000000000000`)
const { issuer, port } = await startProvider({
  clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: [redirectUri] }],
  accounts: Object.fromEntries(Array.from({ length: Number(count) }, (_, i) => [`p${i}`, { email: `p${i}@acme.com`, email_verified: true, name: `Person ${i}`, groups: names }])),
  configuration: { expiresWithSession: () => false, conformIdTokenClaims: where === 'userinfo' }
})
serveSubject({ issuer, port })
