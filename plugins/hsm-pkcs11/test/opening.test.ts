import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import type { Ciphertext, KeyProvider } from '@warder/contract'
import { expect } from 'chai'
import { plugin } from '../src/plugin.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { withRawToken } from './raw-token.ts'
import { host, op, refusal, removeDirectory, specOf, spkiOf, temporaryDirectory, withProvider } from './support.ts'

describe('what others made', function () {
  this.timeout(60_000)
  let directory: string
  let provider: KeyProvider

  before(async () => {
    directory = await temporaryDirectory()
    // one session, so that whatever a failure left active would be met by the next call
    const config = { ...(await createSoftHsmToken(directory)), sessions: { max: 1 } }
    provider = await plugin.open(config, host, op)
  })
  after(async () => {
    await provider?.[Symbol.asyncDispose]()
    await removeDirectory(directory)
  })

  const flips = (bytes: Uint8Array): Uint8Array[] =>
    Array.from(bytes, (_, at) => Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte)))

  const expectAlike = async (calls: readonly (() => Promise<unknown>)[], good: () => Promise<unknown>) => {
    for (const call of calls) {
      const { code, message, facts } = await refusal(call())
      expect([code, message, facts]).to.deep.equal([
        'decryption-failed',
        'the input cannot be opened with this key',
        {},
      ])
      await good()
    }
  }

  for (const custody of ['resident', 'sealed'] as const) {
    it(`GCM under a ${custody} key: every byte flipped, every length, answers alike, and the next call is served`, async () => {
      const { ref } = await provider.generate(specOf({ algorithm: 'AES-256', custody }), op)
      const aad = randomBytes(9)
      const { iv, ciphertext } = await provider.encrypt(ref, randomBytes(20), aad, op)
      const open = (change: Partial<Ciphertext & { readonly algorithm: 'A256GCM' }>) => () =>
        provider.decrypt(ref, { algorithm: 'A256GCM', iv, ciphertext, aad, ...change }, op)
      const calls = [
        ...flips(iv).map(each => open({ iv: each })),
        ...flips(ciphertext).map(each => open({ ciphertext: each })),
        ...flips(aad).map(each => open({ aad: each })),
        ...[0, 1, 15, 16, 17].map(length => open({ ciphertext: ciphertext.slice(0, length) })),
        ...[0, 11, 13, 16].map(length => open({ iv: new Uint8Array(length) })),
        open({ aad: new Uint8Array() }),
      ]
      await expectAlike(calls, open({}))
    })

    it(`bytes wrapped under a ${custody} key: likewise`, async () => {
      const { ref } = await provider.generate(specOf({ algorithm: 'AES-256', usage: 'wrap', custody }), op)
      const wrapped = await provider.wrap(ref, randomBytes(20), op)
      const open = (bytes: Uint8Array) => () => provider.unwrap(ref, bytes, op)
      const lengths = [0, 1, 8, 15, 16, 24, 31, wrapped.length - 1]
      const calls = [...flips(wrapped), ...lengths.map(length => wrapped.slice(0, length)), new Uint8Array(8192)]
      await expectAlike(calls.map(open), open(wrapped))
    })

    it(`OAEP under a ${custody} key: likewise`, async () => {
      const key = await provider.generate(specOf({ algorithm: 'RSA-2048', usage: 'encrypt', custody }), op)
      const publicKey = createPublicKey({ key: Buffer.from(spkiOf(key)), format: 'der', type: 'spki' })
      const encrypt = (label?: Buffer): Uint8Array =>
        publicEncrypt(
          {
            key: publicKey,
            padding: constants.RSA_PKCS1_OAEP_PADDING,
            oaepHash: 'sha1',
            ...(label && { oaepLabel: label }),
          },
          randomBytes(32),
        )
      const good = encrypt()
      const open = (ciphertext: Uint8Array) => () =>
        provider.decrypt(key.ref, { algorithm: 'RSA-OAEP', ciphertext }, op)
      const calls = [
        ...flips(good.subarray(0, 8)).map(each => Buffer.concat([each, good.subarray(8)])),
        encrypt(Buffer.from('a label')),
        new Uint8Array(),
        good.subarray(1),
        Buffer.concat([Buffer.alloc(1), good]),
        new Uint8Array(256),
        Buffer.alloc(256, 0xff),
      ]
      await expectAlike(calls.map(open), open(good))
    })
  }

  it('is not to blame when the token has gone', async () => {
    const other = await temporaryDirectory()
    try {
      await provider[Symbol.asyncDispose]()
      const config = await createSoftHsmToken(other)
      await withProvider(config, async lost => {
        const { ref } = await lost.generate(specOf({ algorithm: 'AES-256', custody: 'resident' }), op)
        const sealed = await lost.encrypt(ref, randomBytes(20), randomBytes(4), op)
        await withRawToken(config, (lib, session) => lib.C_Logout(session), 'an open provider')
        const input = { algorithm: 'A256GCM', aad: new Uint8Array(4), ...sealed } as const
        expect((await refusal(lost.decrypt(ref, input, op))).code).to.equal('hsm-unavailable')
      })
    } finally {
      await removeDirectory(other)
    }
  })
})
