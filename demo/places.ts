/** Where everything of the demo listens; `offset` moves all of it, so that two demos can stand side by side. */
export interface Places {
  readonly offset: number
  readonly gateway: number
  readonly ops: number
  readonly provider: number
  readonly apps: readonly AppPlace[]
  readonly authOrigin: string
}

export interface AppPlace {
  readonly name: string
  /** What the browser opens, and the `aud` of the assertion. */
  readonly origin: string
  readonly port: number
  readonly colour: string
}

/** The ports that config/portico.yaml and config/organizations/*.yaml name. */
export const shippedPorts = { gateway: 8080, ops: 9090, provider: 9400, analytics: 9101, dashboardUs: 9102, dashboardEu: 9103, portal: 9104 }

/** The demo's places, all ports `offset` higher than in the shipped configuration. */
export const placesAt = (offset: number): Places => {
  const gateway = shippedPorts.gateway + offset
  const app = (name: string, host: string, port: number, colour: string): AppPlace =>
    ({ name, origin: `http://${host}.localhost:${gateway}`, port: port + offset, colour })
  return {
    offset,
    gateway,
    ops: shippedPorts.ops + offset,
    provider: shippedPorts.provider + offset,
    apps: [
      app('Analytics', 'analytics', shippedPorts.analytics, '#1f6f5c'),
      app('Dashboard US', 'dashboard', shippedPorts.dashboardUs, '#2b5797'),
      app('Dashboard EU', 'dashboard-eu', shippedPorts.dashboardEu, '#6a3d8f'),
      app('Portal', 'portal', shippedPorts.portal, '#a0522d')
    ],
    authOrigin: `http://auth.localhost:${gateway}`
  }
}
