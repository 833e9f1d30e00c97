import { randomBytes } from 'node:crypto'

/** A member's id: minted once, unguessable, and never an identity provider's value (product.md, "Headers to the app"). */
export const mintMemberId = (): string => `mbr_${randomBytes(16).toString('base64url')}`
