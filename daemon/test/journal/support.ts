import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Log, WarderError } from '@warder/contract'
import type { EventDraft } from '@warder/core'
import type { JournalContext } from '../../../core/src/audit/journal.ts'
import { openJournalDirectory } from '../../src/journal/journal-directory.ts'

/** Lends a directory that does not exist yet, in a place of its own. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const place = await mkdtemp(join(tmpdir(), 'warder-journal-'))
  try {
    return await use(join(place, 'journal'))
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** What a promise was refused with. */
export async function refusal(promise: Promise<unknown>): Promise<WarderError> {
  try {
    await promise
  } catch (error) {
    if (WarderError.is(error)) return error
    throw error
  }
  throw new Error('it was not refused')
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

export async function contextIn(directory: string): Promise<JournalContext> {
  return {
    files: await openJournalDirectory(directory),
    log: silent,
    now: () => new Date(),
    node: 'test',
    redaction: { version: 1, key: Buffer.alloc(32, 7) },
  }
}

export const event = (correlation: string, subject: Readonly<Record<string, unknown>> = {}): EventDraft => ({
  type: 'key-use',
  action: 'key:sign',
  correlation,
  actor: 'someone',
  subject,
  result: 'ok',
})

/** What all file handles of this process inherit from: the place to break one of their calls, or to listen in. */
export async function prototypeOfHandles(directory: string): Promise<FileHandle> {
  const handle = await open(dirname(directory), 'r')
  await handle.close()
  return Object.getPrototypeOf(handle) as FileHandle
}
