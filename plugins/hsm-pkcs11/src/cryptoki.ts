import pkcs11js from 'pkcs11js'

export type Cryptoki = pkcs11js.PKCS11
export type Handle = pkcs11js.Handle
export type Template = pkcs11js.Template
export type Mechanism = pkcs11js.Mechanism

/** PKCS#11 v3.0 numbers that pkcs11js does not name. */
export const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055
export const CKM_EDDSA = 0x1057
export const CKK_EC_EDWARDS = 0x40

const names = new Map<number, string>([
  [CKM_EC_EDWARDS_KEY_PAIR_GEN, 'CKM_EC_EDWARDS_KEY_PAIR_GEN'],
  [CKM_EDDSA, 'CKM_EDDSA'],
  // the standard gives this number two names; the other is deprecated
  [pkcs11js.CKM_EC_KEY_PAIR_GEN, 'CKM_EC_KEY_PAIR_GEN'],
])
for (const [name, value] of Object.entries(pkcs11js)) {
  if (name.startsWith('CKM_') && typeof value === 'number' && !names.has(value)) names.set(value, name)
}

/** The CKM_ name of a mechanism, or its number as hexadecimal when it has none here. */
export function mechanismName(mechanism: number): string {
  return names.get(mechanism) ?? `0x${mechanism.toString(16).padStart(8, '0')}`
}

const held = new Set<readonly Uint8Array[]>()

/**
 * Keeps buffers reachable until an asynchronous call has settled: the binding keeps bare pointers into them while its
 * worker thread runs.
 */
export async function holding<T>(buffers: readonly Uint8Array[], call: Promise<T>): Promise<T> {
  held.add(buffers)
  try {
    return await call
  } finally {
    held.delete(buffers)
  }
}

/** A copy that no caller shares, and never of no memory at all, whose pointer modules refuse. To be wiped if it is secret. */
export function ownBytes(bytes: Uint8Array): Buffer {
  const room = Buffer.alloc(Math.max(bytes.length, 8))
  room.set(bytes)
  return room.subarray(0, bytes.length)
}

const nothing = Buffer.alloc(8).subarray(0, 0)

/** For a call that has ended when it returns: the bytes themselves, but never of no memory at all, as {@link ownBytes}. */
export function lentBytes(bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return nothing
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Up to here an operation takes less than a worker thread would cost, and ends before its call returns. */
export const inlineBytes = 4096

/**
 * Room for what such a call gives, with its tag. One for all, as no two of them are ever under way; nothing stays in it that
 * is secret.
 */
export const scratch = Buffer.alloc(inlineBytes + 64)
