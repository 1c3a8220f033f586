const shapes = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/

/**
 * Strict base64 or base64url (RFC 4648 sections 4 and 5), padded or not. `undefined` when it is neither: the two alphabets
 * mixed, white space, wrong padding, or bits left over that are not zero, so that no two texts mean the same bytes but by
 * alphabet and padding.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!shapes.test(text)) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const length = text.length - padding
  const rest = length % 4
  if (rest === 1 || (padding > 0 && (length + padding) % 4 !== 0)) return undefined
  if (rest !== 0 && (sextet(text.charCodeAt(length - 1)) & (rest === 2 ? 0b1111 : 0b11)) !== 0) return undefined
  return new Uint8Array(Buffer.from(text, 'base64'))
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Encodes and wipes: what is secret stays no longer than it must. The text cannot be wiped; it ends with the answer. */
export function encodeSecret(bytes: Uint8Array): string {
  const text = encodeBase64(bytes)
  bytes.fill(0)
  return text
}

function sextet(char: number): number {
  if (char >= 0x61) return char === 0x5f ? 63 : char - 0x61 + 26
  if (char === 0x5f) return 63
  if (char >= 0x41) return char - 0x41
  if (char >= 0x30) return char - 0x30 + 52
  return char === 0x2b || char === 0x2d ? 62 : 63
}
