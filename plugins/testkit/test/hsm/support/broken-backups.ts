import { createPublicKey, createSecretKey, randomBytes } from 'node:crypto'
import { type HsmPlugin, type KeyProvider, type Op, type RootKeyBackup, WarderError } from '@warder/contract'
import { broken, type BrokenHsm } from './broken-hsm.ts'
import { newKey, privateKey } from './reference-keys.ts'
import { referenceHsm, type ReferenceConfig } from './reference-hsm.ts'
import { copyOf } from './reference-token.ts'

const opened = 'root keys are opened by their recipient outside, each another, and one of them opens what was sealed'
const next = 'the next root keys are wrapped to the recipient as well, beside the older ones'
const restored =
  'what a token sealed is used on another that was made from the backup, and a second run changes nothing'
const kept = 'root keys are not restored onto a token that has others, and what it has stays'
const refused =
  'a backup that does not open, with this key or at all, makes nothing, and the good one is taken after it'

async function backupOf(provider: KeyProvider, op: Op): Promise<RootKeyBackup> {
  if (provider.rootKeyBackup === undefined) throw new Error('the sound one has it')
  return provider.rootKeyBackup(op)
}

type Restore = NonNullable<HsmPlugin<ReferenceConfig>['restore']>
const sound = referenceHsm.restore as Restore

function brokenRestore(fault: string, caught: string, restore: Restore): BrokenHsm {
  return { fault, caught, plugin: { ...referenceHsm, restore } }
}

const stranger = new Uint8Array(createPublicKey(privateKey(newKey('RSA-3072'))).export({ format: 'der', type: 'spki' }))

/** Providers whose root keys do not come back, or come back to the wrong people. */
export const brokenBackups: readonly BrokenHsm[] = [
  broken(
    'says that nothing is missing where nothing is wrapped',
    'root keys that were wrapped to nobody are said to be missing from the backup, each by name',
    provider => ({ rootKeyBackup: async op => ({ ...(await backupOf(provider, op)), missing: [] }) }),
  ),
  broken('wraps its root keys to somebody else', opened, (provider, token) => ({
    rootKeyBackup: async op => ({
      ...(await backupOf(provider, op)),
      keys: token.copies.map(({ purpose, number }) =>
        copyOf(purpose, number, createSecretKey(randomBytes(32)), stranger),
      ),
    }),
  })),
  broken('answers with the root keys themselves', opened, (provider, token) => ({
    rootKeyBackup: async op => {
      const backup = await backupOf(provider, op)
      const root = token.root(1)
      const wrapped = new Uint8Array(root?.kek.export() ?? [])
      return { ...backup, keys: backup.keys.map(key => ({ ...key, wrapped })) }
    },
  })),
  broken('backs up other keys than those it wraps with', opened, (provider, token) => ({
    rootKeyBackup: async op => ({
      ...(await backupOf(provider, op)),
      keys: token.copies.map(({ purpose, number }) =>
        copyOf(purpose, number, createSecretKey(randomBytes(32)), token.recipient ?? stranger),
      ),
    }),
  })),
  broken('wraps only its first root keys', next, (provider, token) => ({
    createRootKey: async op => {
      const number = await provider.createRootKey(op)
      token.copies.splice(2)
      return number
    },
  })),
  brokenRestore('makes new root keys when it is to restore', restored, async (config, files, backup, op) => {
    const done = await sound(config, files, backup, op)
    for (const index of config.token.roots.keys()) {
      config.token.roots[index] = { kek: createSecretKey(randomBytes(32)), exportKek: createSecretKey(randomBytes(32)) }
    }
    return done
  }),
  brokenRestore('forgets what the restored keys were wrapped to', restored, async (config, files, backup, op) => {
    const done = await sound(config, files, backup, op)
    config.token.copies.splice(0)
    return done
  }),
  brokenRestore('fails when there is nothing left to do', restored, async (config, files, backup, op) => {
    if (config.token.roots.length > 0) throw new WarderError('already-initialised', 'there are root keys')
    return sound(config, files, backup, op)
  }),
  brokenRestore('restores over what is there', kept, async (config, files, backup, op) => {
    config.token.roots.splice(0)
    config.token.copies.splice(0)
    return sound(config, files, backup, op)
  }),
  brokenRestore('restores beside what is there', kept, async (config, files, backup, op) => {
    const there = config.token.roots.splice(0)
    try {
      return await sound(config, files, backup, op)
    } finally {
      config.token.roots.splice(0, there.length, ...there)
    }
  }),
  brokenRestore('takes what it can open of a backup', refused, async (config, files, backup, op) => {
    const { keys, recipientKey } = backup
    return sound(config, files, { keys: keys.slice(0, -1), recipientKey }, op).catch(() => ['nothing'])
  }),
]
