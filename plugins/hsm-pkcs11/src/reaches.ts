import { basename } from 'node:path'
import type { PluginReach } from '@warder/contract'
import type { Config } from './config.ts'

/** Modules whose tokens are files, or cards through pcscd, which is a unix socket. Of any other only its maker can say. */
const local = new Set(['libsofthsm2.so', 'libsoftokn3.so', 'opensc-pkcs11.so', 'onepin-opensc-pkcs11.so'])

export function reaches({ module }: Pick<Config, 'module'>): readonly PluginReach[] | undefined {
  return local.has(basename(module)) ? [] : undefined
}
