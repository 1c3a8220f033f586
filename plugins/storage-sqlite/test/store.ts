import type { Store, StoredRecord } from '@warder/contract'
import { patientOp, quietHost } from '@warder/testkit'
import { openSqliteStore, type SqliteLimits } from '../src/sqlite-store.ts'

export const op = patientOp()

export const limits: SqliteLimits = { items: 4096, bytes: 67_108_864, groupItems: 256, groupBytes: 8_388_608 }

/** Lends a store on the file, with limits other than the usual ones where a test needs them. */
export async function withStore(
  file: string,
  use: (store: Store) => Promise<void>,
  special: Partial<SqliteLimits> = {},
): Promise<void> {
  const store = await openSqliteStore(file, quietHost(), op, { ...limits, ...special })
  try {
    await use(store)
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

export function record(id: string, rest: Partial<StoredRecord> = {}): StoredRecord {
  return { collection: 'things', id, revision: 1, attributes: {}, body: Uint8Array.of(1, 2, 3), ...rest }
}

/** The error a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<Error & { code?: unknown }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('nothing was refused')
}
