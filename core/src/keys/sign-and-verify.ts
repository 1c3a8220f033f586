import type { KeyProvider } from '@warder/contract'
import type { KeyRecord } from './collection.ts'
import { type Keyring, requireVersion } from './keyring.ts'
import { maxInputBytes, requireLength } from './limits.ts'
import type { Signed, SignInput, Verified, VerifyInput } from './model.ts'
import { sha256 } from './sha256.ts'
import { signInRuns, type SignRun, type Wanted } from './sign-batch.ts'
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
      digestOf: ({ input, prehashed }) => (prehashed === true ? input : sha256(input)),
      async one(key, item, op) {
        const planned = planOf(key, item)
        const ref = await keyring.refToUse(key, planned.version, op)
        return signedOf(planned, await hsm.sign(ref, planned.algorithm, planned.digest, op))
      },
      async all(key, items, op) {
        const sign = async ({ version, algorithm, digests }: SignRun): Promise<readonly Uint8Array[]> => {
          const ref = await keyring.refToUse(key, version, op)
          if (hsm.signAll !== undefined) return hsm.signAll(ref, algorithm, digests, op)
          return Promise.all(digests.map(digest => hsm.sign(ref, algorithm, digest, op)))
        }
        return signInRuns(items, item => planOf(key, item), sign, signedOf)
      },
    },
    verify: {
      action: 'key:verify',
      usage: 'sign',
      permission: 'read',
      async one(key, input, op) {
        const { algorithm, format } = chosen(key, input)
        signingInput(algorithm, input)
        const { number, state } = requireVersion(key, 'process', input.version)
        const { spki } = await keyring.versionToUse(key, number, op)
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

interface Plan extends Wanted {
  readonly format: Signed['format'] | undefined
}

/** @throws WarderError when the key does not sign this, or not so. */
function planOf(key: KeyRecord, item: SignInput): Plan {
  const { algorithm, format } = chosen(key, item)
  const digest = signingInput(algorithm, item)
  const { number } = requireVersion(key, 'protect', item.version)
  return { algorithm, format, digest, version: number }
}

function signedOf({ algorithm, format, version }: Plan, raw: Uint8Array): Signed {
  const signature = format === 'der' ? derFromRaw(raw) : raw
  return { signature, algorithm, version, ...(format && { format }) }
}

function chosen(
  key: KeyRecord,
  input: SignInput,
): { algorithm: Signed['algorithm']; format: Signed['format'] | undefined } {
  requireLength('input', input.input, { most: maxInputBytes })
  const algorithm = signatureAlgorithm(key.algorithm, input.algorithm)
  return { algorithm, format: signatureFormat(algorithm, input.format) }
}
