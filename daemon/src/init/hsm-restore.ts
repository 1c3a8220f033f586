import type { KeyObject } from 'node:crypto'
import type { HsmPlugin, WrappedRootKey } from '@warder/contract'
import { provisioning, type ProvisioningOptions } from './hsm-provisioning.ts'

/** What a backup says of the token it was made beside. */
export interface RootKeysOfBackup {
  readonly keys: readonly WrappedRootKey[]
  /** The private key of the recipient whom they were wrapped to. */
  readonly recipientKey: KeyObject
}

/**
 * Puts the root keys of a backup on the token that the configuration names, which has none yet. It may be run again: what is
 * there already is kept, and what is missing is made.
 *
 * @throws WarderError `unsupported-mechanism` when the plugin restores no root keys; else what it refuses with.
 */
export async function restoreHsm(
  options: ProvisioningOptions,
  { keys, recipientKey }: RootKeysOfBackup,
): Promise<void> {
  const pkcs8 = recipientKey.export({ type: 'pkcs8', format: 'der' })
  try {
    const done = await provisioning(options, 'restores no root keys', plugin => restoring(plugin, { keys, pkcs8 }))
    for (const line of done) options.say(line)
    if (done.length === 0) options.say('the token had every root key of the backup; nothing was changed')
  } finally {
    pkcs8.fill(0)
  }
}

function restoring(
  plugin: HsmPlugin,
  { keys, pkcs8 }: { readonly keys: readonly WrappedRootKey[]; readonly pkcs8: Buffer },
) {
  const { restore } = plugin
  if (restore === undefined) return undefined
  return (...[config, files, op, peers]: Parameters<NonNullable<HsmPlugin['provision']>>) =>
    restore.call(plugin, config, files, { keys, recipientKey: pkcs8 }, op, peers)
}
