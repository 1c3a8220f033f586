import type { KeyProvider } from '@warder/contract'
import { createHash } from 'node:crypto'
import { type FoundKey, type Keyring, requireVersion } from './keyring.ts'
import { maxInputBytes, requireLength } from './limits.ts'
import { toRef } from './material.ts'
import type { Signed, SignInput, Verified, VerifyInput } from './model.ts'
import { derFromRaw, signatureAlgorithm, signatureFormat, signingInput } from './signature.ts'
import type { Use } from './use.ts'
import { signatureIsValid } from './verify-signature.ts'

export function signing(
  keyring: Keyring,
  hsm: KeyProvider,
): { sign: Use<SignInput, Signed>; verify: Use<VerifyInput, Verified> } {
  return {
    sign: {
      action: 'key:sign',
      usage: 'sign',
      permission: 'use',
      digestOf: ({ input, prehashed }) => (prehashed === true ? input : createHash('sha256').update(input).digest()),
      async one(key, input, call) {
        const { algorithm, format } = chosen(key, input)
        const digest = signingInput(algorithm, input)
        const version = requireVersion(key, 'protect', input.version)
        const record = await keyring.versionRecord(key, version.number, call)
        const raw = await hsm.sign(toRef(record), algorithm, digest, call)
        const signature = format === 'der' ? derFromRaw(raw) : raw
        return { signature, algorithm, version: version.number, ...(format && { format }) }
      },
    },
    verify: {
      action: 'key:verify',
      usage: 'sign',
      permission: 'read',
      async one(key, input, call) {
        const { algorithm, format } = chosen(key, input)
        signingInput(algorithm, input)
        const { number, state } = requireVersion(key, 'process', input.version)
        const { spki } = await keyring.versionRecord(key, number, call)
        const prehashed = input.prehashed ?? false
        const verification = {
          ...input,
          spki: Buffer.from(spki ?? '', 'base64'),
          key: key.algorithm,
          algorithm,
          format,
          prehashed,
        }
        return {
          valid: signatureIsValid(verification),
          algorithm,
          version: number,
          ...(state === 'compromised' && { compromised: true as const }),
        }
      },
    },
  }
}

function chosen(
  key: FoundKey,
  input: SignInput,
): { algorithm: Signed['algorithm']; format: Signed['format'] | undefined } {
  requireLength('input', input.input, { most: maxInputBytes })
  const algorithm = signatureAlgorithm(key.algorithm, input.algorithm)
  return { algorithm, format: signatureFormat(algorithm, input.format) }
}
