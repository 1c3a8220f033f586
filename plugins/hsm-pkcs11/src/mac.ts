import type { KeyAlgorithm } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import { holding, ownBytes, type Cryptoki, type Handle } from './cryptoki.ts'
import { inlineBytes } from './gcm.ts'

/** The most data of one call. */
export const maxMacBytes = 65_536

/** HMAC (FIPS 198-1) with the key's hash. @throws TypeError when the key is for no HMAC. */
export async function macWith(
  lib: Cryptoki,
  session: Handle,
  handle: Handle,
  key: KeyAlgorithm,
  data: Uint8Array,
): Promise<Uint8Array> {
  const form = keyForms[key]
  if (form.family !== 'hmac') throw new TypeError('not an HMAC key')
  const input = ownBytes(data)
  const out = Buffer.alloc(form.bytes)
  try {
    lib.C_SignInit(session, { mechanism: form.hmac }, handle)
    const mac =
      input.length <= inlineBytes
        ? lib.C_Sign(session, input, out)
        : await holding([input, out], lib.C_SignAsync(session, input, out))
    return new Uint8Array(mac)
  } finally {
    input.fill(0)
  }
}
