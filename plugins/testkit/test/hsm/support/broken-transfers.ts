import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { WarderError, type SealedRef } from '@warder/contract'
import { negated } from '../../../src/hsm/independent.ts'
import { broken, type BrokenHsm } from './broken-hsm.ts'
import { newKey } from './reference-keys.ts'
import type { ReferenceToken } from './reference-token.ts'

const importUniform = 'whatever is wrong with an import, the answer is the same, nothing is made, and the next is taken'
const importEach = 'keys of every algorithm are brought in, for each custody and usage, and are the keys they were'
const exportOwn = 'a key that was not made exportable is not exported, whatever its reference claims'

/** Providers that let keys in or out as they should not. */
export const brokenTransfers: readonly BrokenHsm[] = [
  // import
  broken('believes the public half that comes with an import', importUniform, sound => ({
    importKey: async (request, op) =>
      sound.importKey(request, op).catch(async (error: unknown) => {
        // taken without the check
        if (request.wrapped.length !== 664) throw error
        return sound.generate(request.spec, op)
      }),
  })),
  broken(
    'checks a public half by an agreement',
    'the other key with the same agreements is told from the one that is brought, where the token can sign',
    sound => ({
      importKey: (request, op) =>
        sound.importKey(request, op).catch(async (error: unknown) => {
          if (request.spec.usage !== 'derive' || request.spki === undefined) throw error
          return sound.importKey({ ...request, spki: negated(request.spki) }, op)
        }),
    }),
  ),
  broken('leaves a key on the token that it refused', importUniform, (sound, token) => ({
    importKey: (request, op) =>
      sound.importKey(request, op).catch((error: unknown) => {
        const { algorithm, usage, id } = request.spec
        token.residents.set(id, { algorithm, usage, bytes: newKey(algorithm) })
        throw error
      }),
  })),
  broken('tells the steps of an import apart', importUniform, sound => ({
    importKey: (request, op) =>
      sound.importKey(request, op).catch((error: WarderError) => {
        const inner = error.cause instanceof Error ? error.cause.message : ''
        throw new WarderError(error.code, error.message, { facts: { inner } })
      }),
  })),
  broken('imports another key than it was given', importEach, sound => ({
    importKey: (request, op) => sound.generate(request.spec, op),
  })),
  broken(
    'pads short secret keys',
    'a key of another size than it is named with is refused like any bad import',
    sound => ({
      importKey: (request, op) =>
        sound.importKey(request, op).catch((error: unknown) => {
          if (request.spec.algorithm !== 'AES-256') throw error
          return sound.generate(request.spec, op)
        }),
    }),
  ),

  // export
  broken('exports any key', exportOwn, (sound, token) => ({
    exportKey: (ref, recipient, oaep, op) => sound.exportKey(opened(ref, token), recipient, oaep, op),
  })),
  broken('believes that a key is exportable', exportOwn, (sound, token) => ({
    exportKey: (ref, recipient, oaep, op) =>
      sound.exportKey(ref.exportable ? opened(ref, token) : ref, recipient, oaep, op),
  })),
  broken('exports to anyone', 'a recipient that is no RSA key of 2048 to 4096 bits is refused', sound => ({
    exportKey: (ref, recipient, oaep, op) =>
      sound.exportKey(ref, recipient, oaep, op).catch((error: unknown) => {
        if (error instanceof TypeError) return randomBytes(300)
        throw error
      }),
  })),
  broken(
    'exports to another than the recipient',
    'an exportable key of every algorithm is opened by its recipient, and is the key it was',
    sound => {
      const own = generateKeyPairSync('rsa', { modulusLength: 3072 }).publicKey.export({ format: 'der', type: 'spki' })
      return { exportKey: (ref, _, oaep, op) => sound.exportKey(ref, own, oaep, op) }
    },
  ),
  broken('exports what it exported before', 'no two exports of a key are alike', sound => {
    let first: Promise<Uint8Array> | undefined
    return { exportKey: (...args) => (first ??= sound.exportKey(...args)) }
  }),
]

/** A blob of keys that stay, as one of keys that may leave: what a provider with one root key for both would take. */
function opened(ref: SealedRef, token: ReferenceToken): SealedRef {
  const root = token.root(ref.rootKey)
  if (root === undefined) return ref
  token.roots[ref.rootKey - 1] = { ...root, exportKek: root.kek }
  return { ...ref, exportable: true }
}
