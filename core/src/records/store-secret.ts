import { hkdfSync } from 'node:crypto'
import type { SealingKeys } from './seal.ts'

/**
 * Every key the API process itself holds comes from one 32-byte store secret, made by the HSM's generator and kept only
 * sealed under the HSM's store key. HKDF-SHA-256 (RFC 5869) gives each purpose a key that tells nothing of the others.
 */
export interface StoreKeys {
  readonly sealing: SealingKeys
  /** Redacts journal fields that are not declared public. */
  readonly redaction: { readonly version: number; readonly key: Uint8Array }
  /** Makes the check at the end of an API key. */
  readonly apiKeyCheck: Uint8Array
}

/** Derives the keys and zeroes `secret`. */
export function deriveStoreKeys(secret: Uint8Array, generation: number): StoreKeys {
  if (secret.length !== 32) throw new TypeError('the store secret is 32 bytes')
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, '', `warder/${purpose}`, 32))
  const keys: StoreKeys = {
    sealing: { generation, encryption: derive('store/encryption/1'), mac: derive('store/mac/1') },
    redaction: { version: generation, key: derive('journal/redaction/1') },
    apiKeyCheck: derive('api-key/check/1'),
  }
  secret.fill(0)
  return keys
}

export function eraseStoreKeys(keys: StoreKeys): void {
  for (const key of [keys.sealing.encryption, keys.sealing.mac, keys.redaction.key, keys.apiKeyCheck]) key.fill(0)
}
