import { randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import type { GeneratedKey, KeyRef, SealedRef } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { asBoolean, findObjects, readAttributes } from '../src/objects.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { withRawToken } from './raw-token.ts'
import {
  expectSigns,
  op,
  refusal,
  removeDirectory,
  sealedKey,
  spied,
  temporaryDirectory,
  withProvider,
  specOf,
} from './support.ts'

const sessionPrivateKeys = [
  { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
  { type: pkcs11js.CKA_TOKEN, value: false },
]

describe('sealed keys', () => {
  let directory: string
  let config: Config

  before(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory)
  })
  after(() => removeDirectory(directory))

  const cached = (): Promise<number> =>
    withRawToken(config, (lib, session) => findObjects(lib, session, sessionPrivateKeys).length, 'an open provider')

  const withBlob = (key: GeneratedKey, change: (blob: Buffer) => Uint8Array): KeyRef => {
    if (key.ref.custody !== 'sealed') throw new Error('not sealed')
    return { ...key.ref, blob: change(Buffer.from(key.ref.blob)) }
  }

  it('64 calls at once on one key share one unwrap', async () => {
    const spy = spied(config, directory)
    await withProvider(spy.config, async provider => {
      const key = await sealedKey(provider)
      const before = await spy.calls('C_UnwrapKey')
      await Promise.all(Array.from({ length: 64 }, () => expectSigns(provider, key)))
      expect(await spy.calls('C_UnwrapKey')).to.equal(before + 1)
    })
  })

  it('more keys than the cache holds sign at once, none is destroyed under use, and no more than fit stay', async () => {
    await withProvider({ ...config, cache: { entries: 2, ttl: 900 } }, async provider => {
      const keys = await Promise.all(Array.from({ length: 8 }, () => sealedKey(provider)))
      const rsa = await provider.generate(specOf({ algorithm: 'RSA-2048' }), op)
      for (let round = 0; round < 4; round++) {
        await Promise.all([
          ...keys.flatMap(key => [expectSigns(provider, key), expectSigns(provider, key)]),
          expectSigns(provider, rsa, 'PS256'),
        ])
      }
      // what was put out last is destroyed behind the last call
      await provider.health(op)
      await waitUntil(async () => (await cached()) === 2)
    })
  })

  it('an unwrapped key is destroyed on the token when its time is over, used or not', async () => {
    await withProvider({ ...config, cache: { entries: 8, ttl: 1 } }, async provider => {
      const key = await sealedKey(provider)
      await expectSigns(provider, key)
      expect(await cached()).to.equal(1)
      await waitUntil(async () => (await cached()) === 0)
      await expectSigns(provider, key)
    })
  })

  it('what is forgotten is destroyed on the token, and can be unwrapped anew', async () => {
    await withProvider(config, async provider => {
      const [key, other] = [await sealedKey(provider), await sealedKey(provider)]
      await expectSigns(provider, key)
      await expectSigns(provider, other)
      expect(await cached()).to.equal(2)
      await provider.forget?.(key.ref as SealedRef, op)
      expect(await cached()).to.equal(1)
      await expectSigns(provider, key)
    })
  })

  it('uses that were under way when a key was forgotten are answered, and do not bring it back', async () => {
    await withProvider(config, async provider => {
      const key = await sealedKey(provider)
      for (let round = 0; round < 5; round++) {
        const uses = Array.from({ length: 20 }, () => expectSigns(provider, key))
        // now and then while it is being unwrapped, and while it is in use
        for (let turn = 0; turn < round; turn++) await new Promise(resolve => setImmediate(resolve))
        await provider.forget?.(key.ref as SealedRef, op)
        await Promise.all(uses)
        await expectSigns(provider, key)
        await waitUntil(async () => (await cached()) === 0)
      }
    })
  })

  it('proves a key on record when it is unwrapped, and not at each use', async () => {
    const spy = spied(config, directory)
    await withProvider(spy.config, async provider => {
      const { ref, spki } = await sealedKey(provider)
      const key = { ref: { ...ref, spki }, spki } as GeneratedKey
      const before = await spy.calls('C_Sign')
      for (let use = 0; use < 5; use++) await expectSigns(provider, key)
      expect(await spy.calls('C_Sign')).to.equal(before + 6)
    })
  })

  it('leaves nothing on the token of a key that is not the one on record', async () => {
    await withProvider(config, async provider => {
      const [key, other] = [await sealedKey(provider), await sealedKey(provider)]
      const swapped = { ...key.ref, spki: other.spki } as KeyRef
      expect((await refusal(provider.sign(swapped, 'ES256', randomBytes(32), op))).code).to.equal('hsm-failed')
      expect(await cached()).to.equal(0)
    })
  })

  it('counts its sessions, and what the cache had and had not', async () => {
    await withProvider({ ...config, cache: { entries: 1, ttl: 900 } }, async provider => {
      const [key, other] = [await sealedKey(provider), await sealedKey(provider)]
      for (const each of [key, key, other, key]) await expectSigns(provider, each)
      const { sessions, cache } = provider.figures!()
      expect(cache).to.deep.equal({ entries: 1, unwrapping: 0, hits: 1, misses: 3, evictions: 2 })
      expect(sessions.inUse).to.equal(0)
      expect(sessions.open).to.be.at.least(1)
    })
  })

  it('nothing stays on the token of a key that was made, and what was unwrapped is sensitive and not extractable', async () => {
    await withProvider(config, async provider => {
      const key = await sealedKey(provider)
      expect(await cached()).to.equal(0)
      await expectSigns(provider, key)
      await withRawToken(
        config,
        (lib, session) => {
          const [handle, another] = findObjects(lib, session, sessionPrivateKeys)
          if (handle === undefined || another !== undefined) throw new Error('expected one key')
          const flags = readAttributes(lib, session, handle, [
            pkcs11js.CKA_SENSITIVE,
            pkcs11js.CKA_EXTRACTABLE,
            pkcs11js.CKA_PRIVATE,
            pkcs11js.CKA_SIGN,
            pkcs11js.CKA_DECRYPT,
            pkcs11js.CKA_UNWRAP,
            pkcs11js.CKA_DERIVE,
          ])
          expect(flags.map(asBoolean)).to.deep.equal([true, false, true, true, false, false, false])
          expect(() => readAttributes(lib, session, handle, [pkcs11js.CKA_VALUE])).to.throw('CKR_ATTRIBUTE_SENSITIVE')
        },
        'an open provider',
      )
    })
  })

  it('a key made before a restart signs after it', async () => {
    const key = await withProvider(config, sealedKey)
    await withProvider(config, provider => expectSigns(provider, key))
  })

  it('a blob that was tampered with is refused, always alike, and the next call is served', async () => {
    await withProvider({ ...config, sessions: { max: 1 } }, async provider => {
      const key = await sealedKey(provider)
      const bad = [
        withBlob(key, blob => flip(blob, 0)),
        withBlob(key, blob => flip(blob, blob.length - 1)),
        withBlob(key, blob => blob.subarray(8)),
        withBlob(key, blob => blob.subarray(0, 7)),
        withBlob(key, () => new Uint8Array()),
        withBlob(key, blob => randomBytes(blob.length)),
        { ...withBlob(key, blob => blob), rootKey: 2 } as KeyRef,
      ]
      for (const ref of bad) {
        const error = await refusal(provider.sign(ref, 'ES256', randomBytes(32), op))
        expect([error.code, error.message, error.facts]).to.deep.equal([
          'hsm-failed',
          'the token does not accept this sealed key',
          { reason: 'sealed-key-rejected' },
        ])
        await expectSigns(provider, key)
      }
      expect(await provider.health(op)).to.include({ ok: true })
    })
  })

  it('a blob that holds a key of another algorithm is refused', async () => {
    await withProvider(config, async provider => {
      const rsa = await provider.generate(specOf({ algorithm: 'RSA-2048' }), op)
      const lie = { ...rsa.ref, algorithm: 'RSA-3072' } as KeyRef
      expect((await refusal(provider.sign(lie, 'PS256', randomBytes(32), op))).code).to.equal('algorithm-mismatch')
      await expectSigns(provider, rsa, 'PS256')
    })
  })

  it('blobs that are refused push no good key out of the cache', async () => {
    const spy = spied({ ...config, cache: { entries: 1, ttl: 900 } }, directory)
    await withProvider(spy.config, async provider => {
      const key = await sealedKey(provider)
      await expectSigns(provider, key)
      const bad = withBlob(key, blob => flip(blob, 0))
      await refusal(provider.sign(bad, 'ES256', randomBytes(32), op))
      const unwraps = await spy.calls('C_UnwrapKey')
      await expectSigns(provider, key)
      expect(await spy.calls('C_UnwrapKey')).to.equal(unwraps)
    })
  })

  it('closing waits for an unwrap whose callers have left, a failing one too', async () => {
    await withProvider(config, async provider => {
      const key = await provider.generate(specOf({ algorithm: 'RSA-4096' }), op)
      for (const ref of [key.ref, withBlob(key, blob => flip(blob, 9))]) {
        const leaving = new AbortController()
        const left = refusal(provider.sign(ref, 'PS256', randomBytes(32), { signal: leaving.signal }))
        leaving.abort()
        expect((await left).code).to.equal('cancelled')
      }
    })
    await withProvider(config, provider => provider.random(1, op))
  })

  it('one caller who gives up does not take the others with it', async () => {
    await withProvider(config, async provider => {
      const key = await provider.generate(specOf({ algorithm: 'RSA-4096' }), op)
      const leaving = new AbortController()
      const first = refusal(provider.sign(key.ref, 'PS256', randomBytes(32), { signal: leaving.signal }))
      const second = expectSigns(provider, key, 'PS256')
      leaving.abort()
      expect((await first).code).to.equal('cancelled')
      await second
    })
  })
})

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setImmediate(resolve))
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  return bytes
}
