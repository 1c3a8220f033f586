import type { Log } from '@warder/contract'
import type { EventDraft } from '../../src/audit/event.ts'
import type { JournalFiles } from '../../src/audit/files.ts'
import type { JournalContext } from '../../src/audit/journal.ts'

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

export const contextOver = (files: JournalFiles, queueLimit?: number): JournalContext => ({
  files,
  log: silent,
  now: () => new Date(),
  node: 'test',
  redaction: { version: 1, key: Buffer.alloc(32, 7) },
  ...(queueLimit !== undefined && { queueLimit }),
})

export const event = (n: number, subject: Record<string, unknown> = {}): EventDraft => ({
  type: 'key-use',
  action: 'key:sign',
  correlation: `request-${n}`,
  actor: 'someone',
  subject: { space: 'default', ...subject },
  result: 'ok',
})
