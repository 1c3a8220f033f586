/** Textual encoding (RFC 7468 section 2): 64 characters to a line. */
export function pem(label: string, base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
