import { isAbsolute } from 'node:path'
import type { StoragePlugin } from '@warder/contract'
import { z } from 'zod'
import { openSqliteStore } from './sqlite-store.ts'

const config = z.strictObject({
  /** The database. Its directory must exist; beside it SQLite keeps `-wal` and `-shm`, and this plugin `.lock`. */
  file: z.string().refine(file => isAbsolute(file) && !file.includes('\0'), 'must be an absolute path'),
})

export type SqliteConfig = z.infer<typeof config>

/**
 * Storage in one SQLite file on a local disk, for one process at a time. A write is durable when it resolves: it is in
 * the write-ahead log and the log is synced. Writes wait in a thread of their own; reads answer at once.
 */
export const plugin: StoragePlugin<SqliteConfig> = {
  kind: 'storage',
  name: 'sqlite',
  version: '0.1.0',
  contract: 1,
  supports: { atomicBatch: true, shared: false },
  config,
  reaches: () => [],
  open: ({ file }, host, op) => openSqliteStore(file, host, op),
}
