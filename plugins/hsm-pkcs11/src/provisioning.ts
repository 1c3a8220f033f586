import { join } from 'node:path'
import { WarderError, type HsmPlugin, type Op, type ProvisioningFiles } from '@warder/contract'
import type { Config } from './config.ts'
import { cancelled } from './gate.ts'
import { createRootKeys, initToken } from './provision.ts'
import { noRecipient, provisionShared } from './provision-shared.ts'
import { restoreRootKeys } from './restore-root-keys.ts'

type Provision = NonNullable<HsmPlugin<Config>['provision']>
type Restore = NonNullable<HsmPlugin<Config>['restore']>

export const provision: Provision = async (config, files, op, peers = []) => {
  const done = await initialise(config, files, op)
  for (const peer of peers) done.push(...(await initialise(peer, files, op)))
  throwIfAborted(op)
  if (peers.length > 0) {
    const all = [config, ...peers].map(each => withPinFile(each, files))
    return [...done, ...(await provisionShared(all, config.backupRecipient))]
  }
  const made = await unlessDone(() => createRootKeys(withPinFile(config, files)))
  if (!made) return done
  const rootKeys = 'made the root keys warder/kek/1 and warder/store/1'
  if (config.backupRecipient !== undefined) return [...done, `${rootKeys}, wrapped to the backup recipient`]
  return [...done, rootKeys, noRecipient('this token')]
}

export const restore: Restore = async (config, files, backup, op, peers = []) => {
  const done: string[] = []
  for (const each of [config, ...peers]) {
    done.push(...(await initialise(each, files, op)))
    throwIfAborted(op)
    const restored = await restoreRootKeys(withPinFile(each, files), backup)
    done.push(...(peers.length === 0 ? restored : restored.map(line => `${line} on the token ${nameOf(each)}`)))
  }
  return done
}

function nameOf({ token }: Config): string {
  return 'label' in token ? token.label : token.serial
}

/** Initialises a free token when that is asked for, and there is none of this label yet. */
async function initialise(config: Config, files: ProvisioningFiles, op: Op): Promise<string[]> {
  const { module, environment, initString, token } = config
  const { soPinFile } = files
  if (soPinFile === undefined || !('label' in token)) return []
  throwIfAborted(op)
  const { label } = token
  const pinFile = pinFileOf(config, files)
  let serial = ''
  const made = await unlessDone(async () => {
    serial = (await initToken({ module, environment, initString, label, soPinFile, pinFile })).serial
  })
  return made ? [`initialised the token ${label}, serial ${serial}`] : []
}

/** Whether it was done now. */
async function unlessDone(step: () => Promise<void>): Promise<boolean> {
  try {
    await step()
    return true
  } catch (error) {
    if (!WarderError.is(error, 'already-initialised')) throw error
    return false
  }
}

/** @throws WarderError `config-invalid` for a PIN that only an operator has: whoever calls this has asked for it before. */
function pinFileOf({ pin }: Config, { credentialsDir }: ProvisioningFiles): string {
  if ('operator' in pin) {
    throw new WarderError('config-invalid', 'the PIN is with the operator, who cannot be asked here', {
      facts: { field: 'pin' },
    })
  }
  return 'file' in pin ? pin.file : join(credentialsDir, pin.credential)
}

export function withPinFile(config: Config, files: ProvisioningFiles): Config {
  return { ...config, pin: { file: pinFileOf(config, files) } }
}

function throwIfAborted(op: Op): void {
  if (op.signal.aborted) throw cancelled(op.signal)
}
