import { constants, createPublicKey, hash, verify } from 'node:crypto'
import {
  keyAlgorithms,
  signatureAlgorithms,
  WarderError,
  type KeyAlgorithm,
  type Op,
  type SignatureAlgorithm,
} from '@warder/contract'
import { keyForms, signatureForms } from './algorithms.ts'
import { canWrap, missingToMake, type MechanismFacts, type Mechanisms } from './capabilities.ts'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { generateSealed, unwrap } from './generate-key.ts'
import type { RootKey } from './root-keys.ts'
import type { SessionPool } from './session-pool.ts'
import { signInput, signWith } from './sign.ts'
import { unwrappedKey } from './templates.ts'

/** A blob known to be good, to tell a bad blob from a broken token. Its key was made for this and signs nothing else. */
export interface CanaryBlob {
  readonly algorithm: KeyAlgorithm
  readonly blob: Uint8Array
}

export interface Probed {
  readonly wrappable: ReadonlySet<KeyAlgorithm>
  readonly canary: CanaryBlob | undefined
}

export function readMechanisms(lib: Cryptoki, slot: Handle): Mechanisms {
  const mechanisms = new Map<number, MechanismFacts>()
  for (const mechanism of lib.C_GetMechanismList(slot)) {
    const info = lib.C_GetMechanismInfo(slot, mechanism)
    mechanisms.set(mechanism, { min: info.minKeySize, max: info.maxKeySize, flags: info.flags })
  }
  return mechanisms
}

/**
 * Tries which keys can be wrapped out and come back able to sign: an EC key, which answers for RSA too (an RSA key is
 * slow to make, and is tried where there is no EC), and an Ed25519 key.
 */
export async function probeWrapping(
  lib: Cryptoki,
  pool: SessionPool,
  kek: RootKey,
  mechanisms: Mechanisms,
  op: Op,
): Promise<Probed> {
  if (!canWrap(mechanisms)) return { wrappable: new Set(), canary: undefined }
  const makeable = keyAlgorithms.filter(algorithm => missingToMake(mechanisms, algorithm) === undefined)
  const common = makeable.filter(algorithm => keyForms[algorithm].family !== 'edwards')
  const edwards = makeable.filter(algorithm => keyForms[algorithm].family === 'edwards')
  const wrappable = new Set<KeyAlgorithm>()
  let canary: CanaryBlob | undefined
  for (const alike of [common, edwards]) {
    const [first] = alike
    if (first === undefined) continue
    const blob = await roundTrip(lib, pool, kek, first, mechanisms, op)
    if (blob === undefined) continue
    canary ??= { algorithm: first, blob }
    for (const algorithm of alike) wrappable.add(algorithm)
  }
  return { wrappable, canary }
}

// a token that is gone fails the probe; any other refusal is its answer
async function roundTrip(
  lib: Cryptoki,
  pool: SessionPool,
  kek: RootKey,
  key: KeyAlgorithm,
  mechanisms: Mechanisms,
  op: Op,
): Promise<Uint8Array | undefined> {
  const algorithm = signatureAlgorithms.find(candidate => {
    const form = signatureForms[candidate]
    return form.keys.includes(key) && mechanisms.has(form.mechanism.mechanism)
  })
  if (algorithm === undefined) return undefined
  try {
    return await pool.withSession(op, async session => {
      const { ref, spki } = await generateSealed(lib, session, key, kek)
      const handle = await unwrap(lib, session, kek.handle, ref.blob, unwrappedKey(key))
      const input = algorithm === 'EdDSA' ? message : hash(hashName(algorithm), message, 'buffer')
      const signature = await signWith(lib, session, handle, key, algorithm, signInput(key, algorithm, input))
      lib.C_DestroyObject(session, handle)
      if (!verifies(spki, algorithm, signature)) {
        throw new WarderError('hsm-failed', 'a key came back from wrapping as another key', {
          facts: { algorithm: key },
        })
      }
      return ref.blob
    })
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || meaningOf(ckr) === 'gone') throw error
    return undefined
  }
}

const message = Buffer.from('warder wrap probe')

// every hash here is named by the last digits of the algorithm
function hashName(algorithm: SignatureAlgorithm): string {
  return `sha${algorithm.slice(-3)}`
}

function verifies(spki: Uint8Array, algorithm: SignatureAlgorithm, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  if (algorithm === 'EdDSA') return verify(null, message, key, signature)
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  const options = { key, dsaEncoding: 'ieee-p1363' as const, ...(algorithm.startsWith('PS') ? pss : {}) }
  return verify(hashName(algorithm), message, options, signature)
}
