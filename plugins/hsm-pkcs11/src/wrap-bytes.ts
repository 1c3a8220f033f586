import type { Cryptoki, Handle } from './cryptoki.ts'
import { decryptionFailed } from './opening.ts'
import { bytesAsKey, readableTemplate, takeValue, unwrap, wrapOut } from './wrapping.ts'

/** The most bytes of one call. */
export const maxBytes = 4096

const lengthBytes = 4
const block = 8
/** What wrapping adds to a frame. */
const overheadBytes = 8

/** `length u32be | bytes | zeros to a multiple of 8`. To be wiped. */
export function frame(bytes: Uint8Array): Buffer {
  const framed = Buffer.alloc(framedBytes(bytes.length))
  framed.writeUInt32BE(bytes.length)
  framed.set(bytes, lengthBytes)
  return framed
}

/** What {@link frame} was given; `undefined` for whatever is not exactly a frame of 1 to 4,096 bytes. */
export function unframe(framed: Buffer): Uint8Array | undefined {
  if (framed.length < block) return undefined
  const length = framed.readUInt32BE()
  if (length < 1 || length > maxBytes || framed.length !== framedBytes(length)) return undefined
  if (framed.subarray(lengthBytes + length).some(byte => byte !== 0)) return undefined
  return new Uint8Array(framed.subarray(lengthBytes, lengthBytes + length))
}

/** Wraps a caller's bytes under a caller's key (RFC 5649). */
export async function wrapBytes(
  lib: Cryptoki,
  session: Handle,
  wrapper: Handle,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const framed = frame(bytes)
  try {
    const object = bytesAsKey(lib, session, framed)
    const wrapped = await wrapOut(lib, session, wrapper, object)
    lib.C_DestroyObject(session, object)
    return wrapped
  } finally {
    framed.fill(0)
  }
}

/** The bytes are the caller's to wipe. @throws WarderError `decryption-failed` for what cannot be, or is not, a frame. */
export async function unwrapBytes(
  lib: Cryptoki,
  session: Handle,
  wrapper: Handle,
  wrapped: Uint8Array,
): Promise<Uint8Array> {
  const { length } = wrapped
  if (length % block !== 0 || length < block + overheadBytes || length > framedBytes(maxBytes) + overheadBytes) {
    throw decryptionFailed()
  }
  const value = takeValue(lib, session, await unwrap(lib, session, wrapper, wrapped, readableTemplate))
  try {
    const bytes = unframe(value)
    if (bytes === undefined) throw decryptionFailed()
    return bytes
  } finally {
    value.fill(0)
  }
}

function framedBytes(length: number): number {
  return Math.ceil((lengthBytes + length) / block) * block
}
