import { mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { WarderError } from '@warder/contract'
import { ConfigSchema, type Config } from './config.ts'
import { writePinFile } from './pin-file.ts'
import { createRootKeys, initToken } from './provision.ts'

const debianModule = '/usr/lib/softhsm/libsofthsm2.so'

export interface SoftHsmOptions {
  /** Default `warder`. */
  readonly label?: string
  /** SoftHSM's `slots.mechanisms`, such as `-CKM_EDDSA` for all but that one. Default `ALL`. */
  readonly mechanisms?: string
  /** Default: where Debian puts it. */
  readonly module?: string
  /** As in the configuration of the plugin. */
  readonly backupRecipient?: string
}

/**
 * Makes a SoftHSM2 token below `directory`, with PIN files and root keys, for development and tests, and answers the
 * plugin's configuration for it. Called again for the same directory it answers the same, and changes nothing. Loads the
 * module in this process and finalises it, so nothing else may have it open meanwhile.
 * @throws WarderError `already-initialised` when an earlier run was broken off: the directory is then to be removed.
 */
export async function createSoftHsmToken(directory: string, options: SoftHsmOptions = {}): Promise<Config> {
  const dir = resolve(directory)
  const ready = join(dir, 'hsm.json')
  const existing = await readIfThere(ready)
  if (existing !== undefined) return ConfigSchema.parse(JSON.parse(existing))

  const tokens = join(dir, 'tokens')
  const softhsmConfig = join(dir, 'softhsm2.conf')
  await mkdir(tokens, { recursive: true, mode: 0o700 })
  if ((await readdir(tokens)).length > 0) {
    throw new WarderError('already-initialised', 'the directory has tokens that were never finished: remove it')
  }
  await writeFile(softhsmConfig, softhsmConf(tokens, options.mechanisms ?? 'ALL'), { mode: 0o600 })
  const label = options.label ?? 'warder'
  const config = ConfigSchema.parse({
    module: options.module ?? debianModule,
    token: { label },
    pin: { file: join(dir, 'pin') },
    stateDir: join(dir, 'state'),
    environment: { SOFTHSM2_CONF: softhsmConfig },
    ...(options.backupRecipient !== undefined && { backupRecipient: options.backupRecipient }),
  })
  const soPinFile = join(dir, 'so-pin')
  for (const path of [soPinFile, join(dir, 'pin')]) await writeOnce(path)
  const { module, environment } = config
  await initToken({ module, environment, label, soPinFile, pinFile: join(dir, 'pin') })
  await createRootKeys(config)
  await writeDurably(ready, `${JSON.stringify(config, undefined, 2)}\n`)
  return config
}

function softhsmConf(tokens: string, mechanisms: string): string {
  // SoftHSM 2.6.1 passes over the first name after the minus sign, so the first is left empty
  const list = mechanisms.replace(/^-(?=[^,])/, '-,')
  return [
    `directories.tokendir = ${tokens}`,
    'objectstore.backend = file',
    'log.level = ERROR',
    'slots.removable = false',
    `slots.mechanisms = ${list}`,
    '',
  ].join('\n')
}

async function writeOnce(path: string): Promise<void> {
  try {
    await writePinFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}
