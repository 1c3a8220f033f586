import { WarderError } from '@warder/contract'

/** Names of spaces, keys and identities: they appear in URLs, file names and logs, so there is one spelling of each. */
export const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** @throws WarderError `malformed-request`, naming the field. */
export function requireName(field: string, value: string): void {
  if (!namePattern.test(value)) {
    throw new WarderError(
      'malformed-request',
      `${field} must be 1 to 63 of a-z, 0-9, '.', '_' and '-', and start with a letter or digit.`,
      {
        facts: { field },
      },
    )
  }
}
