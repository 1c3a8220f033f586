import type { KeyObject } from 'node:crypto'
import type { WrappedRootKey } from '@warder/contract'
import { restoreHsm } from '../init/hsm-restore.ts'
import { type PinFlags, readPin } from './pin.ts'

export interface HsmRestoreFlags extends PinFlags {
  /** The backup. */
  readonly from: string
  readonly config: string
  readonly newToken?: boolean
}

/** Reads what is needed of the backup, before this process becomes another user; then the token. */
export async function hsmRestore(
  { from, config, newToken = false, ...pin }: HsmRestoreFlags,
  recipientKey: KeyObject,
  readRootKeys: (file: string, recipientKey: KeyObject) => Promise<readonly WrappedRootKey[]>,
): Promise<void> {
  const keys = await readRootKeys(from, recipientKey)
  const say = (line: string): boolean => process.stderr.write(`${line}\n`)
  await restoreHsm(
    { file: config, newToken, say, askOperator: () => readPin(pin, { twice: newToken }) },
    { keys, recipientKey },
  )
  say('next: start warder-hsm, then restore the rest (warder restore); then make a new backup recipient')
}
