import { randomBytes } from 'node:crypto'
import { WarderError, type KeyProvider, type KeyRef, type SealedRef } from '@warder/contract'
import { broken, type BrokenHsm } from './broken-hsm.ts'
import { newKey } from './reference-keys.ts'

const ownUsage = 'a key does what it was made for, and every other command refuses it with usage-not-allowed'

/** Providers that are careless about which key is which. */
export const brokenKeys: readonly BrokenHsm[] = [
  // generate
  broken('answers with the private key as well', 'sealed P-256 keys are made for each usage, or refused', sound => ({
    generate: async (spec, op) => ({ ...(await sound.generate(spec, op)), pkcs8: randomBytes(138) }),
  })),
  broken(
    'answers with the key where its blob should be',
    'sealed AES-256 keys are made for each usage, or refused',
    sound => ({
      generate: async (spec, op) => {
        const { ref, ...half } = await sound.generate(spec, op)
        return { ref: ref.custody === 'sealed' ? { ...ref, blob: ref.blob.subarray(8) } : ref, ...half }
      },
    }),
  ),
  broken(
    'makes the key before it refuses it',
    'resident P-384 keys are made for each usage, or refused',
    (sound, token) => ({
      generate: async (spec, op) => {
        const { algorithm, usage, custody, id } = spec
        if (custody === 'resident') token.residents.set(id, { algorithm, usage, bytes: newKey(algorithm) })
        return sound.generate(spec, op)
      },
    }),
    ['P-384'],
  ),
  broken(
    'does not name the mechanism it lacks',
    'resident P-384 keys are made for each usage, or refused',
    sound => ({
      generate: (spec, op) =>
        sound.generate(spec, op).catch((error: WarderError) => {
          throw new WarderError(error.code, error.message)
        }),
    }),
    ['P-384'],
  ),
  broken('makes a key for any usage', 'a usage the algorithm is not for is refused', sound => ({
    generate: (spec, op) =>
      sound.generate({ ...spec, usage: spec.algorithm === 'AES-256' ? 'encrypt' : spec.usage }, op),
  })),
  broken('makes resident keys exportable', 'a resident key cannot be exportable', sound => ({
    generate: (spec, op) => sound.generate({ ...spec, exportable: false }, op),
  })),
  broken('takes any id', 'an id that is not 32 lower-case hexadecimal digits is refused with a TypeError', sound => ({
    generate: (spec, op) => sound.generate({ ...spec, id: randomBytes(16).toString('hex') }, op),
  })),
  broken(
    'puts a new key in the place of an old one',
    'an id that the token has already is refused with key-exists, and its key stays',
    (sound, token) => ({
      generate: (spec, op) => {
        token.residents.delete(spec.id)
        return sound.generate(spec, op)
      },
    }),
  ),
  broken('hands out the same key twice', 'keys made at the same time are different keys', sound => {
    let first: ReturnType<KeyProvider['generate']> | undefined
    return { generate: (spec, op) => (first ??= sound.generate(spec, op)) }
  }),

  // usage
  broken('signs with any key', ownUsage, sound => ({
    sign: (ref, algorithm, input, op) => sound.sign({ ...ref, usage: 'sign' }, algorithm, input, op),
  })),
  broken('wraps with keys that encrypt', ownUsage, sound => ({
    wrap: (ref, bytes, op) => sound.wrap({ ...ref, usage: 'wrap' }, bytes, op),
  })),
  broken(
    'believes what the reference says',
    'a resident key is used as the token has it, whatever its reference claims',
    (sound, token) => ({
      wrap: (ref, bytes, op) => {
        const key = ref.custody === 'resident' ? token.residents.get(ref.id) : undefined
        if (key !== undefined && ref.custody === 'resident') token.residents.set(ref.id, { ...key, usage: ref.usage })
        return sound.wrap(ref, bytes, op)
      },
    }),
  ),

  // root keys
  broken(
    'numbers a new root key like the old one',
    'root keys are numbered one after another, and the newest is told',
    sound => ({
      createRootKey: op => sound.newestRootKey(op),
    }),
  ),
  broken(
    'loses the old root key when it makes a new one',
    'a new root key seals what is made from then on, and what older ones sealed goes on working',
    (sound, token) => ({
      createRootKey: async op => {
        const number = await sound.createRootKey(op)
        const newest = token.root(number)
        if (newest !== undefined) token.roots.fill(newest)
        return number
      },
    }),
  ),
  broken(
    'does nothing when it is to rewrap',
    'a rewrapped key is the same key in another blob, under the newest root key',
    sound => ({
      rewrap: async (ref, op) => ({ ...ref, rootKey: await sound.newestRootKey(op) }),
    }),
  ),
  broken(
    'makes a new key when it is to rewrap',
    'a rewrapped key is the same key in another blob, under the newest root key',
    sound => ({
      rewrap: async ({ algorithm, usage, custody, exportable }, op) => {
        const id = randomBytes(16).toString('hex')
        const { ref } = await sound.generate({ algorithm, usage, custody, exportable, id }, op)
        return ref as SealedRef
      },
    }),
  ),
  broken(
    'rewraps what may be exported as what may not',
    'an exportable key stays exportable when it is rewrapped',
    sound => ({
      rewrap: async (ref, op) => ({ ...(await sound.rewrap(ref, op)), exportable: false }),
    }),
  ),
  broken(
    'rewraps anything',
    'a blob that was tampered with, or is under a root key there is not, is not rewrapped',
    sound => ({
      rewrap: (ref, op) => sound.rewrap(ref, op).catch(() => ref),
    }),
  ),

  // the key on record
  broken(
    'takes any good blob for the key on record',
    'a sealed P-256 key to sign is used as the one on record, and no other good key in its place',
    sound => ({
      sign: (ref, algorithm, input, op) => sound.sign(unnamed(ref), algorithm, input, op),
    }),
  ),
  broken(
    'looks at the record of pairs alone',
    'a sealed HMAC-SHA-256 key to mac is used as the one on record, and no other good key in its place',
    sound => ({
      mac: (ref, data, op) => sound.mac(unnamed(ref), data, op),
    }),
  ),
  broken(
    'remembers that a blob was good, and not for which record',
    'a sealed AES-256 key to encrypt is used as the one on record, and no other good key in its place',
    sound => {
      const good = new Set<string>()
      return {
        encrypt: async (ref, plaintext, aad, op) => {
          const blob = ref.custody === 'sealed' ? Buffer.from(ref.blob).toString('hex') : ref.id
          const sealed = await sound.encrypt(good.has(blob) ? unnamed(ref) : ref, plaintext, aad, op)
          good.add(blob)
          return sealed
        },
      }
    },
  ),
  broken('exports whatever is in the blob', 'a key is not exported under the name of another', sound => ({
    exportKey: ({ spki: _, checkValue: __, ...ref }, recipient, oaep, op) => sound.exportKey(ref, recipient, oaep, op),
  })),
  broken(
    'cannot use what it has forgotten',
    'a key that is forgotten can be used again, and forgetting is of no effect for what is not kept',
    sound => {
      let forgotten = false
      return {
        forget: async () => void (forgotten = true),
        mac: async (...args) => {
          if (forgotten) throw new WarderError('hsm-failed', 'CKR_OBJECT_HANDLE_INVALID')
          return sound.mac(...args)
        },
      }
    },
  ),
  broken(
    'fails to forget what it does not keep',
    'a key that is forgotten can be used again, and forgetting is of no effect for what is not kept',
    () => ({
      forget: async () => {
        throw new WarderError('hsm-failed', 'not in the cache')
      },
    }),
  ),
  broken(
    'takes the key from those who use it',
    'a key can be forgotten while it is used, and every use is answered',
    sound => {
      let forgotten = 0
      return {
        forget: async () => void forgotten++,
        mac: async (...args) => {
          const before = forgotten
          await new Promise(resolve => setImmediate(resolve))
          if (before !== forgotten) throw new WarderError('hsm-failed', 'CKR_OBJECT_HANDLE_INVALID')
          return sound.mac(...args)
        },
      }
    },
  ),

  // resident keys
  broken(
    'fails for a key that is absent',
    'a key that the token does not have is absent, and using it is refused with hsm-key-missing',
    sound => ({
      locate: async (ref, op) => {
        const found = await sound.locate(ref, op)
        if (found === undefined) throw new WarderError('hsm-failed', 'not found')
        return found
      },
    }),
  ),
  broken(
    'uses whatever key has the id',
    'another key under the id of one that is gone is refused with hsm-key-missing, where the reference says which it was',
    sound => ({
      sign: (ref, algorithm, input, op) => {
        if (ref.custody === 'sealed') return sound.sign(ref, algorithm, input, op)
        const { custody, usage, id } = ref
        return sound.sign({ custody, algorithm: ref.algorithm, usage, id }, algorithm, input, op)
      },
    }),
  ),
  broken(
    'says a key is destroyed and keeps it',
    'a key that was destroyed is gone for good, and destroying it again is success',
    () => ({
      destroy: async () => {},
    }),
  ),
  broken(
    'destroys more than it should',
    'a key that was destroyed is gone for good, and destroying it again is success',
    (_, token) => ({
      destroy: async () => token.residents.clear(),
    }),
  ),
  broken('fails to destroy what never was', 'destroying a key that never was is success', (sound, token) => ({
    destroy: async (ref, op) => {
      if (!token.residents.has(ref.id)) throw new WarderError('hsm-key-missing', 'no such key')
      return sound.destroy(ref, op)
    },
  })),
]

/** Without what is on record of it. */
function unnamed(ref: KeyRef): KeyRef {
  if (ref.custody === 'resident') return ref
  const { spki: _, checkValue: __, ...rest } = ref
  return rest
}
