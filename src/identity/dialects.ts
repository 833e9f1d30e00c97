import type { headerPresets } from '../config/schema/app.ts'
import { authelia } from './dialects/authelia.ts'
import { authentik } from './dialects/authentik.ts'
import { googleIap } from './dialects/google-iap.ts'
import { oauth2Proxy } from './dialects/oauth2-proxy.ts'
import { pomerium } from './dialects/pomerium.ts'
import { portico } from './dialects/portico.ts'
import type { Dialect } from './person.ts'

type Preset = typeof headerPresets[number]

const dialects: Readonly<Partial<Record<Preset, Dialect>>> = {
  portico,
  'oauth2-proxy': oauth2Proxy,
  authelia,
  authentik,
  pomerium,
  'google-iap': googleIap
}

/** The dialect of an app's `headers:` (research/access-proxies.md, 7.10). What is not built never gets here: the schema refuses it. */
export const dialectOf = (preset: Preset): Dialect => dialects[preset] ?? portico
