import type { Store, StoredRecord } from '@warder/contract'
import { patientOp, quietHost } from '@warder/testkit'
import { openFilesystemStore } from '../src/filesystem-store.ts'

export const op = patientOp()

/** Lends a store on the directory. */
export async function withStore(directory: string, use: (store: Store) => Promise<void>): Promise<void> {
  const store = await openFilesystemStore(directory, quietHost(), op)
  try {
    await use(store)
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

export function record(id: string, rest: Partial<StoredRecord> = {}): StoredRecord {
  return { collection: 'things', id, revision: 1, attributes: {}, body: Uint8Array.of(1, 2, 3), ...rest }
}

export interface Refusal extends Error {
  readonly code?: unknown
  readonly facts?: unknown
}

/** The error a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<Refusal> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('nothing was refused')
}
