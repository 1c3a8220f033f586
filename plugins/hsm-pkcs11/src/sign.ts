import { WarderError, type KeyAlgorithm, type SignatureAlgorithm } from '@warder/contract'
import { keyForms, maxSignatureBytes, signatureForms } from './algorithms.ts'
import { holding, lentBytes, ownBytes, scratch, type Cryptoki, type Handle } from './cryptoki.ts'

/**
 * The bytes the token signs: the message, the digest, or the DER of DigestInfo around it.
 * @throws TypeError when a digest is not exactly as long as its hash.
 * @throws WarderError `algorithm-mismatch` when such a key does not make such signatures.
 */
export function signInput(key: KeyAlgorithm, algorithm: SignatureAlgorithm, input: Uint8Array): Buffer {
  const form = signatureForms[algorithm]
  if (form === undefined || !Object.hasOwn(keyForms, key)) throw new TypeError('unknown algorithm')
  if (!(input instanceof Uint8Array)) throw new TypeError('the input to sign must be bytes')
  if (!form.keys.includes(key)) {
    throw new WarderError('algorithm-mismatch', `a ${key} key does not make ${algorithm} signatures`, {
      facts: { algorithm, keyAlgorithm: key },
    })
  }
  if (form.digestBytes !== undefined && input.length !== form.digestBytes) {
    throw new TypeError(`the digest for ${algorithm} must be ${form.digestBytes} bytes, not ${input.length}`)
  }
  if (form.prefix !== undefined) return Buffer.concat([form.prefix, input])
  // a worker thread reads it while its caller goes on
  return isFast(key) ? lentBytes(input) : ownBytes(input)
}

/** True when a signature takes less than handing it to a worker thread: then it is made at once, in the calling thread. */
export function isFast(key: KeyAlgorithm): boolean {
  const form = keyForms[key]
  return 'fast' in form && form.fast
}

/** One signature in a session of its own. */
export async function signWith(
  lib: Cryptoki,
  session: Handle,
  handle: Handle,
  key: KeyAlgorithm,
  algorithm: SignatureAlgorithm,
  input: Buffer,
): Promise<Uint8Array> {
  if (isFast(key)) return signInline(lib, session, handle, algorithm, input)
  const out = Buffer.alloc(maxSignatureBytes)
  lib.C_SignInit(session, signatureForms[algorithm].mechanism, handle)
  return new Uint8Array(await holding([input, out], lib.C_SignAsync(session, input, out)))
}

/** The same with a fast key, in the calling thread. */
export function signInline(
  lib: Cryptoki,
  session: Handle,
  handle: Handle,
  algorithm: SignatureAlgorithm,
  input: Buffer,
): Uint8Array {
  lib.C_SignInit(session, signatureForms[algorithm].mechanism, handle)
  return new Uint8Array(lib.C_Sign(session, input, scratch))
}
