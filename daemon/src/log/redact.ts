import type { LogFields } from '@warder/contract'

const redacted = '[redacted]'
const own = new Set(['time', 'level', 'message'])
const secretWords = new Set([
  'secret',
  'secrets',
  'password',
  'passphrase',
  'pin',
  'authorization',
  'bearer',
  'cookie',
  'credentials',
])
const secretKeys = new Set(['api', 'private', 'secret', 'store', 'mac', 'wrapping', 'session', 'root'])
const apiKey = /wrd_[A-Za-z0-9_-]+/g

/**
 * What of these fields may be printed. A field named like a secret never shows its value; API keys are masked wherever they
 * stand; anything but text, a number or a truth value is left out, whatever the types promised.
 */
export function redact(fields: LogFields): LogFields {
  const shown: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(fields)) {
    const as = own.has(name) ? `${name}_` : name
    if (namesSecret(name)) shown[as] = redacted
    else if (typeof value === 'string') shown[as] = mask(value)
    else if (typeof value === 'number' || typeof value === 'boolean') shown[as] = value
  }
  return shown
}

export function mask(text: string): string {
  return text.includes('wrd_') ? text.replace(apiKey, 'wrd_[redacted]') : text
}

/** `pinFile`, `access_token` and `API-Key` are; `ping`, `tokenLabel` and `keyId` are not. */
function namesSecret(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  const last = words.at(-1) ?? ''
  if (words.some(word => secretWords.has(word)) || last === 'token') return true
  return last === 'key' && words.length > 1 && secretKeys.has(words.at(-2) ?? '')
}
