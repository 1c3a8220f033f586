import { WarderError } from '@warder/contract'

/** Storage does not hold what the journal says was written. */
export function distrust(
  code: 'record-missing' | 'record-rolled-back',
  what: string,
  collection: string,
  id: string,
  facts: Record<string, number> = {},
): WarderError {
  return new WarderError(code, `The stored record ${collection}/${id} ${what}.`, {
    facts: { collection, id, ...facts },
  })
}
