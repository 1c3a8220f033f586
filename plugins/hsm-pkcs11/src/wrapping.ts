import pkcs11js from 'pkcs11js'
import { holding, ownBytes, type Cryptoki, type Handle, type Template } from './cryptoki.ts'
import { readAttributes } from './objects.ts'

/** AES key wrap with padding (RFC 5649, NIST SP 800-38F KWP). */
export const keyWrapPad = { mechanism: pkcs11js.CKM_AES_KEY_WRAP_PAD }

// an RSA-4096 PKCS#8 is about 2.4 KB, and callers' bytes are up to 4 KB
const maxWrappedBytes = 8192

/** Wraps `key`, which must be extractable, under `wrapper`. */
export async function wrapOut(lib: Cryptoki, session: Handle, wrapper: Handle, key: Handle): Promise<Uint8Array> {
  const out = Buffer.alloc(maxWrappedBytes)
  return new Uint8Array(await holding([out], lib.C_WrapKeyAsync(session, keyWrapPad, wrapper, key, out)))
}

/** Unwraps what {@link wrapOut} or another made, as an object of `session`, or of the token if the template says so. */
export function unwrap(
  lib: Cryptoki,
  session: Handle,
  wrapper: Handle,
  wrapped: Uint8Array,
  template: Template,
): Promise<Handle> {
  const input = ownBytes(wrapped)
  return holding([input], lib.C_UnwrapKeyAsync(session, keyWrapPad, wrapper, input, template))
}

/** The caller's bytes made an extractable object of `session`, which is what can be wrapped. The copy is the caller's to wipe. */
export function bytesAsKey(lib: Cryptoki, session: Handle, bytes: Buffer): Handle {
  return lib.C_CreateObject(session, [
    ...bytesTemplate,
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: true },
    { type: pkcs11js.CKA_VALUE, value: bytes },
  ])
}

/** Reads an object made by {@link readableTemplate} and destroys it. The bytes are the caller's to wipe. */
export function takeValue(lib: Cryptoki, session: Handle, object: Handle): Buffer {
  const [value] = readAttributes(lib, session, object, [pkcs11js.CKA_VALUE])
  lib.C_DestroyObject(session, object)
  return value
}

/** Bytes that are no key of ours, as the object PKCS#11 needs them to be. */
const bytesTemplate: Template = [
  { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
  { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_GENERIC_SECRET },
  { type: pkcs11js.CKA_TOKEN, value: false },
  { type: pkcs11js.CKA_PRIVATE, value: true },
]

/** For bytes that leave the token for their caller: what was wrapped for it, or agreed on. */
export const readableTemplate: Template = [
  ...bytesTemplate,
  { type: pkcs11js.CKA_SENSITIVE, value: false },
  { type: pkcs11js.CKA_EXTRACTABLE, value: true },
]
