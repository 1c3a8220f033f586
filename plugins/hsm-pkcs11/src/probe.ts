import { keyAlgorithms, usagesOf, WarderError, type KeyAlgorithm, type KeyUsage, type Op } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { generateSealed } from './generate-key.ts'
import { canWrap, missingToGenerate, missingToServe, type MechanismFacts, type Mechanisms } from './mechanisms.ts'
import { isKeyOf } from './proof.ts'
import type { RootKey } from './root-keys.ts'
import type { SessionPool } from './session-pool.ts'
import { unwrappedKey } from './templates.ts'
import { unwrap } from './wrapping.ts'

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
 * Tries which keys can be wrapped out and come back the same: an AES key and the HMAC keys, an EC key, which answers for RSA
 * too (an RSA key is slow to make, and is tried where there is no EC), and an Ed25519 key.
 */
export async function probeWrapping(
  lib: Cryptoki,
  pool: SessionPool,
  kek: RootKey,
  mechanisms: Mechanisms,
  op: Op,
): Promise<Probed> {
  if (!canWrap(mechanisms)) return { wrappable: new Set(), canary: undefined }
  const wrappable = new Set<KeyAlgorithm>()
  let canary: CanaryBlob | undefined
  for (const alike of ways(mechanisms)) {
    const [first] = alike
    if (first === undefined) continue
    const blob = await roundTrip(lib, pool, kek, first, mechanisms, op)
    if (blob === undefined) continue
    canary ??= { algorithm: first.algorithm, blob }
    for (const { algorithm } of alike) wrappable.add(algorithm)
  }
  return { wrappable, canary }
}

interface Way {
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyUsage
}

/** The keys to try: of each list the first, which answers for the others. */
function ways(mechanisms: Mechanisms): readonly (readonly Way[])[] {
  const all = keyAlgorithms.flatMap(algorithm => {
    const usage = usagesOf[algorithm].find(one => missingToServe(mechanisms, algorithm, one) === undefined)
    return usage === undefined || missingToGenerate(mechanisms, algorithm) !== undefined ? [] : [{ algorithm, usage }]
  })
  const of = (...families: readonly string[]): readonly Way[] =>
    all.filter(({ algorithm }) => families.includes(keyForms[algorithm].family))
  // the canary is of the first that works: an AES key is the quickest to unwrap
  return [of('aes'), of('hmac'), of('ec', 'rsa'), of('edwards')]
}

// a token that is gone fails the probe; any other refusal is its answer
async function roundTrip(
  lib: Cryptoki,
  pool: SessionPool,
  kek: RootKey,
  way: Way,
  mechanisms: Mechanisms,
  op: Op,
): Promise<Uint8Array | undefined> {
  try {
    return await pool.withSession(op, async session => {
      const { ref, identity } = await generateSealed(lib, session, { ...way, exportable: false }, kek)
      const template = unwrappedKey(way.algorithm, way.usage)
      const handle = await unwrap(lib, session, kek.handle, ref.blob, template)
      if (!(await isKeyOf(lib, session, handle, way, identity, { mechanisms, oaep: 'RSA-OAEP' }))) {
        throw new WarderError('hsm-failed', 'a key came back from wrapping as another key', {
          facts: { algorithm: way.algorithm },
        })
      }
      lib.C_DestroyObject(session, handle)
      return ref.blob
    })
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || meaningOf(ckr) === 'gone') throw error
    return undefined
  }
}
