import type { App } from '../config/configuration.ts'

/** Headers with an access token for an app that asks for one: beside the others, by the name of its dialect. */
export const accessTokenHeaders = ({ headers, forwardAccessToken }: Pick<App, 'headers' | 'forwardAccessToken'>, token: string): readonly string[] => [
  headers === 'oauth2-proxy' ? 'X-Forwarded-Access-Token' : 'X-Auth-Access-Token', token,
  ...forwardAccessToken === 'authorization' ? ['Authorization', `Bearer ${token}`] : []
]
