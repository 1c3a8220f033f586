import { isAbsolute } from 'node:path'
import type { StandardResult, StoragePlugin } from '@warder/contract'
import { openLogStore } from './log-store.ts'

export interface LogConfig {
  /** An absolute path. Its directory must exist. */
  readonly file: string
}

/** Storage in one file that only grows, with everything in memory as well: small, and no more than that. */
export const plugin: StoragePlugin<LogConfig> = {
  kind: 'storage',
  name: 'log',
  version: '0.1.0',
  contract: 1,
  supports: { atomicBatch: true, shared: false },
  // any Standard Schema will do: zod, valibot and arktype make them, and so do twelve lines by hand
  config: { '~standard': { version: 1, vendor: 'warder-storage-template', validate: parseConfig } },
  open: ({ file }, host, op) => openLogStore(file, host, op),
}

function parseConfig(value: unknown): StandardResult<LogConfig> {
  if (typeof value !== 'object' || value === null) return { issues: [{ message: 'must be a table' }] }
  const unknown = Object.keys(value).find(key => key !== 'file')
  if (unknown !== undefined) return { issues: [{ message: 'is not a key that is known here', path: [unknown] }] }
  const file = 'file' in value ? value.file : undefined
  if (typeof file === 'string' && isAbsolute(file)) return { value: { file } }
  return { issues: [{ message: 'must be an absolute path', path: ['file'] }] }
}
