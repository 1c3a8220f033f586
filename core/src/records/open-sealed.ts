import { isDeepStrictEqual } from 'node:util'
import type { Attributes, StoredRecord } from '@warder/contract'
import { corrupt, type SealingKeys, unseal } from './seal.ts'

/**
 * The value sealed in a record that was found under this collection and id.
 * @throws WarderError `record-corrupt` unless body, address and attributes are as one write left them
 */
export function openSealed(
  keys: SealingKeys,
  { collection, id }: { readonly collection: string; readonly id: string },
  stored: StoredRecord,
): unknown {
  const plaintext = unseal(keys, { collection, id, revision: stored.revision }, stored.body)
  const { attributes, value } = JSON.parse(plaintext.toString('utf8')) as { attributes: Attributes; value: unknown }
  plaintext.fill(0)
  if (stored.collection !== collection || stored.id !== id) throw corrupt({ collection, id }, 'id')
  if (!isDeepStrictEqual(attributes, stored.attributes)) throw corrupt({ collection, id }, 'attributes')
  return value
}
