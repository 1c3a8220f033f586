import { isAbsolute } from 'node:path'
import type { StoragePlugin } from '@warder/contract'
import { z } from 'zod'
import { openFilesystemStore } from './filesystem-store.ts'

const config = z.strictObject({
  /** Holds the records and nothing else. Made when it is missing; the directory above it must exist. */
  directory: z.string().refine(path => isAbsolute(path) && !path.includes('\0'), 'must be an absolute path'),
})

export type FilesystemConfig = z.infer<typeof config>

/**
 * Storage in plain files on a local disk, one for each record, for one process at a time. A write is durable when it
 * resolves: the file and the directory that names it are synced.
 */
export const plugin: StoragePlugin<FilesystemConfig> = {
  kind: 'storage',
  name: 'filesystem',
  version: '0.1.0',
  contract: 1,
  supports: { atomicBatch: false, shared: false },
  config,
  reaches: () => [],
  open: ({ directory }, host, op) => openFilesystemStore(directory, host, op),
}
