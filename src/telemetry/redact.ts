/**
 * What no line may hold, whoever wrote it there by mistake: JWTs, API keys, authorization header
 * values, Portico's cookies, and the parameters of OAuth and SAML messages.
 */
const secrets = /\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}|\bptk_[\w-]{8,}|\b(?:bearer|basic) [\w.~+/=-]{16,}|__(?:host|secure)-portico[\w-]*=[^;"\s\\]+|\b(?:code|state|nonce|ticket|request|response|id_token|access_token|refresh_token|code_verifier|client_secret|client_assertion|samlresponse|samlrequest|relaystate|password)=[^&"\s\\]+/gi

/** A finished JSON line without what looks like a credential. The allow-lists come first; this is the belt. */
export const redact = (line: string): string => line.replace(secrets, '[redacted]')
