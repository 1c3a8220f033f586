import type { KeyAlgorithm } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import { holding, inlineBytes, lentBytes, ownBytes, scratch, type Cryptoki, type Handle } from './cryptoki.ts'

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
  lib.C_SignInit(session, { mechanism: form.hmac }, handle)
  if (data.length <= inlineBytes) {
    try {
      return new Uint8Array(lib.C_Sign(session, lentBytes(data), scratch))
    } finally {
      scratch.fill(0, 0, form.bytes)
    }
  }
  const input = ownBytes(data)
  const out = Buffer.alloc(form.bytes)
  try {
    return new Uint8Array(await holding([input, out], lib.C_SignAsync(session, input, out)))
  } finally {
    input.fill(0)
  }
}
