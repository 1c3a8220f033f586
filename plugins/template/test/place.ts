import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoragePlace } from '@warder/testkit'
import type { LogConfig } from '../src/plugin.ts'

/** A new, empty place to store in. */
export async function place(): Promise<StoragePlace<LogConfig>> {
  const directory = await mkdtemp(join(tmpdir(), 'warder-template-'))
  const config = { file: join(directory, 'store.log') }
  return { config, remove: () => rm(directory, { recursive: true, force: true }) }
}
