import assert from 'node:assert/strict'
import { createDecipheriv, type KeyObject } from 'node:crypto'
import type { GeneratedKey, KeyProvider, RootKeyBackup, SealedRef, WrappedRootKey } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertRefused } from '../assertions.ts'
import { flipped, op, sealedRef, spec, type Bench, type Token } from '../bench.ts'
import { checkValue, newPair, openExported, spkiOf } from '../independent.ts'
import type { EmptyHsmPlace, HsmBackupPlaces, HsmPlace } from '../subject.ts'

export function backupCases<Config>(bench: Bench<Config>): CaseTable {
  const { backup, plugin } = bench.subject
  return {
    'a plugin that brings root keys back is given places to show it, and no other': async () => {
      assert.equal(plugin.restore !== undefined, backup !== undefined, 'restore of the plugin, backup of the subject')
    },
    'root keys are backed up by plugins that bring them back, and by no other': () =>
      bench.withFreshToken(async ({ provider }) => {
        assert.equal(provider.rootKeyBackup !== undefined, plugin.restore !== undefined)
      }),
    ...(backup === undefined ? {} : casesOf(bench, backup)),
  }
}

function casesOf<Config>(bench: Bench<Config>, { placeFor, emptyPlace }: HsmBackupPlaces<Config>): CaseTable {
  const withPlace = async (use: (place: HsmPlace<Config>, recipient: Recipient) => Promise<void>): Promise<void> => {
    const recipient = newRecipient()
    await lent(await placeFor(recipient.spki), place => use(place, recipient))
  }
  const restore = (
    { config, files }: EmptyHsmPlace<Config>,
    keys: readonly WrappedRootKey[],
    recipientKey: Uint8Array,
  ): Promise<readonly string[]> => {
    assert.ok(bench.subject.plugin.restore !== undefined)
    return bench.subject.plugin.restore(config, files, { keys, recipientKey }, op)
  }
  return {
    'root keys that were wrapped to nobody are said to be missing from the backup, each by name': () =>
      bench.withFreshToken(async ({ provider }) => {
        const first = await backupOf(provider)
        assert.deepEqual({ ...first, missing: [] }, { recipient: undefined, keys: [], missing: [] })
        assert.ok(first.missing.length > 0, 'a token has root keys')
        await provider.createRootKey(op)
        const { missing } = await backupOf(provider)
        assert.equal(new Set(missing).size, 2 * first.missing.length)
      }),

    'root keys are opened by their recipient outside, each another, and one of them opens what was sealed': () =>
      withPlace((place, recipient) =>
        bench.withToken(place, async token => {
          const backup = await backupOf(token.provider)
          assertComplete(backup, recipient)
          const keys = backup.keys.map(key => ({ ...key, bytes: opened(recipient, key) }))
          assert.equal(new Set(keys.map(({ bytes }) => bytes.toString('hex'))).size, keys.length, 'each is another')
          for (const exportable of [false, true]) {
            if (!token.claims.makes('sealed', 'AES-256', 'encrypt')) continue
            const made = await token.provider.generate(spec('AES-256', 'encrypt', { exportable }), op)
            const fitting = keys.flatMap(({ number, bytes }) => openedBlob(bytes, number, sealedRef(made)) ?? [])
            assert.equal(fitting.length, 1, 'one root key opens a sealed key')
            const [bytes = new Uint8Array()] = fitting
            assertBytes(checkValue({ algorithm: 'AES-256', bytes }, 'encrypt'), made.checkValue ?? bytes, 'the key')
          }
        }),
      ),

    'the next root keys are wrapped to the recipient as well, beside the older ones': () =>
      withPlace(async (place, recipient) => {
        const first = await bench.withToken(place, async ({ provider }) => {
          const before = await backupOf(provider)
          const number = await provider.createRootKey(op)
          const after = await backupOf(provider)
          assertComplete(after, recipient)
          assert.deepEqual(
            after.keys.filter(key => key.number !== number).toSorted(byName),
            [...before.keys].toSorted(byName),
          )
          assert.equal(after.keys.length, 2 * before.keys.length)
          const all = after.keys.map(key => opened(recipient, key).toString('hex'))
          assert.equal(new Set(all).size, all.length, 'no key is made twice')
          return after
        })
        await bench.withToken(place, async ({ provider }) =>
          assert.deepEqual(await backupOf(provider), first, 'another process has the same'),
        )
      }),

    'what a token sealed is used on another that was made from the backup, and a second run changes nothing': () =>
      withPlace(async (place, recipient) => {
        const sealed: Sealed[] = []
        const backup = await bench.withToken(place, async token => {
          sealed.push(await seal(token))
          await token.provider.createRootKey(op)
          sealed.push(await seal(token))
          return backupOf(token.provider)
        })
        await lent(await emptyPlace(recipient.spki), async empty => {
          const key = recipient.pkcs8()
          assert.ok((await restore(empty, backup.keys, key)).length > 0, 'what was done is said')
          assertBytes(key, recipient.pkcs8(), 'the key is the caller’s to zero')
          for (let run = 0; run < 2; run++) {
            await bench.withToken(empty, async token => {
              for (const each of sealed) await assertOpens(token, each)
              assert.deepEqual(sorted(await backupOf(token.provider)), sorted(backup))
            })
            assert.deepEqual(await restore(empty, backup.keys, key), [], 'nothing is left to do')
          }
          await bench.withToken(empty, async token => {
            const number = await token.provider.createRootKey(op)
            assert.equal(number, 1 + Math.max(...backup.keys.map(each => each.number)))
            assertComplete(await backupOf(token.provider), recipient)
            await token.provider.openStoreSecret(await token.provider.sealStoreSecret(new Uint8Array(32), op), op)
          })
        })
      }),

    'root keys are not restored onto a token that has others, and what it has stays': () =>
      withPlace(async (place, recipient) => {
        const backup = await bench.withToken(place, ({ provider }) => backupOf(provider))
        await withPlace(async other => {
          const sealed = await bench.withToken(other, seal)
          const renumbered = backup.keys.map(key => ({ ...key, number: key.number + 1 }))
          for (const keys of [backup.keys, renumbered]) {
            const onto = { ...other, files: { credentialsDir: '' } }
            await assertRefused(restore(onto, keys, recipient.pkcs8()), 'already-initialised')
          }
          await bench.withToken(other, token => assertOpens(token, sealed))
        })
      }),

    'a backup that does not open, with this key or at all, makes nothing, and the good one is taken after it': () =>
      withPlace(async (place, recipient) => {
        const { keys } = await bench.withToken(place, ({ provider }) => backupOf(provider))
        const last = keys.length - 1
        const spoilt = (at: number): readonly WrappedRootKey[] =>
          keys.map((key, index) => (index === last ? { ...key, wrapped: flipped(key.wrapped, at) } : key))
        const length = keys[last]?.wrapped.length ?? 0
        await lent(await emptyPlace(recipient.spki), async empty => {
          await assertRefused(restore(empty, keys, newRecipient().pkcs8()), 'decryption-failed', 'another key')
          for (const at of [0, length - 41, length - 40, length - 1]) {
            await assertRefused(
              restore(empty, spoilt(at), recipient.pkcs8()),
              'decryption-failed',
              `byte ${at} flipped`,
            )
          }
          await assertRefused(restore(empty, [], recipient.pkcs8()), 'malformed-request', 'no keys')
          const done = await restore(empty, keys, recipient.pkcs8())
          assert.ok(done.length > 0)
          await bench.withToken(empty, async ({ provider }) => assert.equal((await provider.health(op)).ok, true))
        })
      }),
  }
}

async function backupOf(provider: KeyProvider): Promise<RootKeyBackup> {
  assert.ok(provider.rootKeyBackup !== undefined, 'root keys can be backed up')
  return provider.rootKeyBackup(op)
}

interface Recipient {
  readonly privateKey: KeyObject
  readonly spki: Uint8Array
  pkcs8(): Uint8Array
}

function newRecipient(): Recipient {
  const { publicKey, privateKey } = newPair('RSA-3072')
  const pkcs8 = (): Uint8Array => new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }))
  return { privateKey, spki: new Uint8Array(spkiOf(publicKey)), pkcs8 }
}

async function lent<Place extends { remove(): Promise<void> }>(
  place: Place,
  use: (place: Place) => Promise<void>,
): Promise<void> {
  try {
    await use(place)
  } finally {
    await place.remove()
  }
}

function assertComplete(backup: RootKeyBackup, recipient: Recipient): void {
  assertBytes(backup.recipient ?? new Uint8Array(), recipient.spki, 'the recipient')
  assert.deepEqual(backup.missing, [])
  assert.ok(backup.keys.length > 0)
  const names = backup.keys.map(({ purpose, number }) => `${purpose}/${number}`)
  assert.equal(new Set(names).size, names.length, 'each root key is there once')
}

function opened({ privateKey }: Recipient, { oaep, wrapped }: WrappedRootKey): Buffer {
  const bytes = openExported(privateKey, oaep, wrapped)
  assert.equal(bytes.length, 32, 'a root key is 32 bytes')
  return bytes
}

function openedBlob(rootKey: Buffer, number: number, { rootKey: wanted, blob }: SealedRef): Buffer | undefined {
  if (number !== wanted) return undefined
  const decipher = createDecipheriv('id-aes256-wrap-pad', rootKey, Buffer.from('a65959a6', 'hex'))
  try {
    return Buffer.concat([decipher.update(blob), decipher.final()])
  } catch {
    return undefined
  }
}

const byName = (a: WrappedRootKey, b: WrappedRootKey): number =>
  `${a.purpose}/${a.number}` < `${b.purpose}/${b.number}` ? -1 : 1

function sorted(backup: RootKeyBackup): RootKeyBackup {
  return { ...backup, keys: backup.keys.toSorted(byName) }
}

interface Sealed {
  readonly key: GeneratedKey | undefined
  readonly message: Uint8Array
  readonly mac: Uint8Array
}

/** A sealed key and what it makes of a message; no key where the token seals none. */
async function seal({ provider, claims }: Token): Promise<Sealed> {
  const message = Buffer.from('a message')
  if (!claims.makes('sealed', 'HMAC-SHA-256', 'mac')) return { key: undefined, message, mac: message }
  const key = await provider.generate(spec('HMAC-SHA-256', 'mac'), op)
  return { key, message, mac: await provider.mac(key.ref, message, op) }
}

async function assertOpens({ provider }: Token, { key, message, mac }: Sealed): Promise<void> {
  if (key !== undefined) assertBytes(await provider.mac(key.ref, message, op), mac, 'the key of the old token')
}
