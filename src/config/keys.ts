/** 32 bytes from base64 or base64url, padded or not; undefined for anything else, sloppy encodings included. */
export const decodeKey = (text: string): Buffer | undefined => {
  const plain = text.trim().replaceAll('-', '+').replaceAll('_', '/').replace(/={0,2}$/, '')
  const bytes = Buffer.from(plain, 'base64')
  return bytes.length === 32 && bytes.toString('base64').replace(/=+$/, '') === plain ? bytes : undefined
}
