import { existsSync } from 'node:fs'
import { chown, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { operatorSecretsIn, withOperatorFile } from '../config/references.ts'
import { readPrivately } from '../config/secret-reference.ts'
import { isRoot, type User } from '../systemd/accounts.ts'

/**
 * Copies of credentials below a directory of their own, in memory where the machine offers that, for one user only. Whoever
 * lends it removes it.
 */
export async function lendCredentials(from: string, names: readonly string[], user: User | undefined): Promise<string> {
  const lent = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'warder-hsm-init-'))
  try {
    for (const name of names) await lend(await readPrivately(join(from, name)), join(lent, name), user)
    if (user !== undefined && isRoot()) await chown(lent, user.uid, user.gid)
    return lent
  } catch (error) {
    await rm(lent, { recursive: true, force: true })
    throw error
  }
}

/**
 * The plugin's configurations for a command that the operator runs: where one wants the operator's secret, which is the same
 * for all, it names a file in `directory` that holds it. Asks for it only then.
 */
export async function lendOperatorSecret<Configs extends readonly unknown[]>(
  configs: Configs,
  directory: string,
  ask: () => Promise<Uint8Array>,
  user: User | undefined,
): Promise<{ [Index in keyof Configs]: unknown }> {
  if (configs.every(config => operatorSecretsIn(config).length === 0)) return configs
  const file = join(directory, '.operator')
  await lend(await ask(), file, user)
  return configs.map(config => withOperatorFile(config, file)) as { [Index in keyof Configs]: unknown }
}

async function lend(secret: Uint8Array, path: string, user: User | undefined): Promise<void> {
  try {
    await writeNew(path, secret)
  } finally {
    secret.fill(0)
  }
  if (user !== undefined && isRoot()) await chown(path, user.uid, user.gid)
}

/** Durable, mode 0600, and never over a file that is there. */
export async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}
