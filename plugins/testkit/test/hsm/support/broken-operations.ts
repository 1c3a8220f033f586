import { createHash, randomBytes } from 'node:crypto'
import { WarderError, type Ciphertext, type KeyProvider, type KeyRef } from '@warder/contract'
import { broken, type BrokenHsm } from './broken-hsm.ts'
import { keyWrap } from './reference-keys.ts'

const gcmUniform = 'whatever is wrong with an AES-256-GCM ciphertext, the answer is the same, and the next is opened'
const oaepUniform = 'whatever is wrong with an OAEP ciphertext, the answer is the same, and the next is opened'
const wrapUniform = 'whatever is wrong with wrapped bytes, the answer is the same, and the next are unwrapped'
const p256Signs = 'P-256 keys make every kind of signature they can, verified outside, and refuse the others'

/** Providers whose operations are not what they should be, or tell too much. */
export const brokenOperations: readonly BrokenHsm[] = [
  // sign
  broken(
    'signs digests of any length',
    'a digest that is not as long as its hash is refused with a TypeError',
    sound => ({
      sign: (ref, algorithm, input, op) => {
        const digest = new Uint8Array(algorithm === 'EdDSA' ? input.length : Number(algorithm.slice(-3)) / 8)
        digest.set(input.subarray(0, digest.length))
        return sound.sign(ref, algorithm, digest, op)
      },
    }),
  ),
  broken('signs something else', p256Signs, sound => ({
    sign: (ref, algorithm, input, op) => sound.sign(ref, algorithm, createHash('sha256').update(input).digest(), op),
  })),
  broken('answers ECDSA signatures without leading zeros', p256Signs, sound => ({
    sign: async (ref, algorithm, input, op) => (await sound.sign(ref, algorithm, input, op)).subarray(1),
  })),
  broken(
    'remembers keys by the beginning of their blob',
    'a sealed key that was tampered with or is named wrongly signs nothing',
    sound => {
      const known = new Map<string, KeyRef>()
      return {
        sign: (ref, algorithm, input, op) => {
          const name = ref.custody === 'sealed' ? Buffer.from(ref.blob.subarray(0, 16)).toString('hex') : ref.id
          const first = known.get(name) ?? ref
          known.set(name, first)
          return sound.sign(first, algorithm, input, op)
        },
      }
    },
  ),

  // AES-256-GCM
  broken('draws IVs from too few', 'no IV comes twice in 1,000 encryptions, nor the same ciphertext', sound => ({
    encrypt: async (...args) => {
      const sealed = await sound.encrypt(...args)
      return { ...sealed, iv: Buffer.concat([new Uint8Array(10), sealed.iv.subarray(10)]) }
    },
  })),
  broken('leaves the AAD out', gcmUniform, sound => ({
    encrypt: (ref, plaintext, _, op) => sound.encrypt(ref, plaintext, new Uint8Array(), op),
    decrypt: (ref, input, op) =>
      sound.decrypt(ref, input.algorithm === 'A256GCM' ? { ...input, aad: new Uint8Array() } : input, op),
  })),
  broken('tells a short ciphertext from a false one', gcmUniform, sound => ({
    decrypt: async (ref, input, op) => {
      if (input.ciphertext.length < 16) throw new WarderError('malformed-request', 'too short')
      return sound.decrypt(ref, input, op)
    },
  })),
  broken('gives the reason in its facts', gcmUniform, sound => ({
    decrypt: explained(sound, input => ('iv' in input && input.iv.length !== 12 ? 'iv' : 'tag')),
  })),
  broken('gives the reason in its message', gcmUniform, sound => ({
    decrypt: (ref, input, op) =>
      sound.decrypt(ref, input, op).catch(() => {
        throw new WarderError('decryption-failed', `this of ${input.ciphertext.length} bytes cannot be decrypted`)
      }),
  })),
  broken('cannot go on after a false tag', gcmUniform, sound => {
    let failed = false
    return {
      decrypt: async (ref, input, op) => {
        if (failed) throw new WarderError('hsm-failed', 'CKR_OPERATION_ACTIVE')
        return sound.decrypt(ref, input, op).catch((error: unknown) => {
          failed = true
          throw error
        })
      },
    }
  }),
  broken('takes a false tag for a broken token', gcmUniform, sound => {
    let failed = false
    return {
      health: async () => ({ ok: !failed, detail: '' }),
      decrypt: (ref, input, op) =>
        sound.decrypt(ref, input, op).catch((error: unknown) => {
          failed = true
          throw error
        }),
    }
  }),
  broken('encrypts without end', 'more than 65,536 bytes of plaintext are refused with a TypeError', sound => ({
    encrypt: (ref, plaintext, aad, op) => sound.encrypt(ref, plaintext.subarray(0, 65_536), aad, op),
  })),
  broken(
    'puts the tag in front',
    'AES-256-GCM under a known key is opened outside, and what was sealed outside is opened here',
    sound => ({
      encrypt: async (...args) => {
        const { iv, ciphertext } = await sound.encrypt(...args)
        return { iv, ciphertext: Buffer.concat([ciphertext.subarray(-16), ciphertext.subarray(0, -16)]) }
      },
      decrypt: (ref, input, op) => sound.decrypt(ref, turned(input), op),
    }),
  ),

  // RSA-OAEP
  broken('makes up a plaintext when there is none', oaepUniform, sound => ({
    decrypt: (ref, input, op) => sound.decrypt(ref, input, op).catch(() => randomBytes(32)),
  })),
  broken('tells a short OAEP ciphertext from a false one', oaepUniform, sound => ({
    decrypt: explained(sound, ({ ciphertext }) => String(ciphertext.length)),
  })),

  // HMAC
  broken(
    'cuts HMACs short',
    'HMACs are as long as the hash, depend on key and data, and nothing else, or are refused',
    sound => ({
      mac: async (...args) => (await sound.mac(...args)).subarray(0, 16),
    }),
  ),
  broken('makes HMACs of the digest', 'HMACs of a known key are those made outside', sound => ({
    mac: (ref, data, op) => sound.mac(ref, createHash('sha256').update(data).digest(), op),
  })),
  broken('makes HMACs without end', 'more than 65,536 bytes to authenticate are refused with a TypeError', sound => ({
    mac: (ref, data, op) => sound.mac(ref, data.subarray(0, 65_536), op),
  })),

  // wrap
  broken(
    'frames in another byte order',
    'what is wrapped under a known key is RFC 5649 over the contract’s frame, both ways',
    (sound, token) => ({
      wrap: (ref, bytes, op) => {
        const key = ref.custody === 'resident' ? token.residents.get(ref.id) : undefined
        if (key === undefined) return sound.wrap(ref, bytes, op)
        const frame = Buffer.alloc(Math.ceil((4 + bytes.length) / 8) * 8)
        frame.writeUInt32LE(bytes.length)
        frame.set(bytes, 4)
        return Promise.resolve(keyWrap(key.bytes, frame))
      },
    }),
  ),
  broken(
    'wraps nothing as if it were something',
    'other than 1 to 4,096 bytes to wrap are refused with a TypeError',
    sound => ({
      wrap: (ref, bytes, op) => sound.wrap(ref, bytes.length === 0 ? new Uint8Array(1) : bytes, op),
    }),
  ),
  broken('tells wrapped bytes of no known length from false ones', wrapUniform, sound => ({
    unwrap: async (ref, wrapped, op) => {
      if (wrapped.length % 8 !== 0) throw new TypeError('not a multiple of 8')
      return sound.unwrap(ref, wrapped, op)
    },
  })),
  broken(
    'gives back bytes whose frame is wrong',
    'wrapped bytes whose frame is wrong are refused like any others',
    sound => ({
      unwrap: (ref, wrapped, op) => sound.unwrap(ref, wrapped, op).catch(() => new Uint8Array(1)),
    }),
  ),

  // derive
  broken(
    'hashes what was agreed on',
    'an agreement gives the x-coordinate that the peer arrives at, or is refused',
    sound => ({
      derive: async (...args) =>
        createHash('sha256')
          .update(await sound.derive(...args))
          .digest(),
    }),
  ),
  broken(
    'answers zeros for a peer that is none',
    'a peer that is no public key of the same curve is refused, and the next agreement is made',
    sound => ({
      derive: (...args) => sound.derive(...args).catch(() => new Uint8Array(32)),
    }),
  ),

  // random
  broken(
    'gives the same bytes again',
    'random gives as many bytes as were asked for, of all values, and never the same',
    () => ({
      random: async length => new Uint8Array(length).fill(7),
    }),
  ),
  broken(
    'gives fewer bytes than were asked for',
    'random gives as many bytes as were asked for, of all values, and never the same',
    sound => ({
      random: (length, op) => sound.random(Math.min(length, 1024), op),
    }),
  ),
  broken('gives any number of bytes', 'other than 1 to 4096 random bytes are refused with a TypeError', sound => ({
    random: (length, op) => sound.random(Math.min(Math.max(Math.floor(length) || 1, 1), 4096), op),
  })),

  // the store secret
  broken(
    'keeps the store secret as it is',
    'a store secret is opened by the token that sealed it, now and after a reopening',
    () => ({
      sealStoreSecret: async secret => Uint8Array.from(secret),
      openStoreSecret: async sealed => Uint8Array.from(sealed),
    }),
  ),
  broken('opens the store secret of any token', 'another token does not open it', sound => ({
    openStoreSecret: (sealed, op) => sound.openStoreSecret(sealed, op).catch(() => new Uint8Array(32)),
  })),
  broken(
    'tells a short store secret from a false one',
    'one that was tampered with is refused, always alike',
    sound => ({
      openStoreSecret: async (sealed, op) => {
        if (sealed.length !== 60) throw new WarderError('hsm-failed', 'not as long as it should be')
        return sound.openStoreSecret(sealed, op)
      },
    }),
  ),
]

function explained(sound: KeyProvider, reason: (input: Ciphertext) => string): KeyProvider['decrypt'] {
  return (ref, input, op) =>
    sound.decrypt(ref, input, op).catch((error: WarderError) => {
      throw new WarderError(error.code, error.message, { facts: { reason: reason(input) } })
    })
}

function turned(input: Ciphertext): Ciphertext {
  const { ciphertext } = input
  return input.algorithm === 'A256GCM'
    ? { ...input, ciphertext: Buffer.concat([ciphertext.subarray(16), ciphertext.subarray(0, 16)]) }
    : input
}
