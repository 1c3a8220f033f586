import type { Op, Plugin, Service } from './plugin.ts'

/**
 * Storage is **untrusted, durable and plain**. It sees sealed bodies and the few attributes that queries need. It can
 * lose or roll back records, and is caught when it does; it cannot forge one.
 *
 * Glossary
 * - *collection*: a namespace of records, `[a-z][a-z0-9-]{0,62}`.
 * - *id*: 1 to 255 bytes of well-formed UTF-8 without NUL, compared byte for byte: no case folding, no normalisation,
 *   no trimming, no path meaning.
 * - *revision*: counts the writes of one record from 1. The writer states the new revision, always the expected one plus
 *   one, so that it is covered by the seal; the store only compares and keeps it.
 * - *attributes*: hints for queries. Those of record are sealed inside the body and checked against these on read.
 */
export interface StoredRecord {
  readonly collection: string
  readonly id: string
  readonly revision: number
  readonly attributes: Attributes
  readonly body: Uint8Array
}

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** Every entry must match: a scalar by equality, an array attribute by containing the value. */
export type Filter = Readonly<Record<string, string | number | boolean>>

/** Opaque to callers, made by the store; valid for the same collection and filter, also after a restart. */
export type Cursor = string

export interface Query {
  readonly where?: Filter
  readonly after?: Cursor
  /** 1 to 1000. */
  readonly limit: number
}

export interface Page {
  /** Ordered by the UTF-8 bytes of the id, ascending. */
  readonly records: readonly StoredRecord[]
  /** Present when more may follow. */
  readonly next?: Cursor
}

/** What a write expects to find: this revision, or no record at all. */
export type Expected = number | 'absent'

export type Write =
  | { readonly put: StoredRecord; readonly expect: Expected }
  | { readonly delete: { readonly collection: string; readonly id: string }; readonly expect: number }

export interface Store extends Service {
  /** The largest body accepted, in bytes; at least 65,536. A larger one is refused with a `TypeError`, never cut. */
  readonly maxBodyBytes: number

  /** The record as last written, or `undefined` when there is none. Failure throws; it is never "absent". */
  get(collection: string, id: string, op: Op): Promise<StoredRecord | undefined>

  /**
   * Compare-and-swap. When it resolves the record is durable: it survives SIGKILL and loss of power.
   * @throws WarderError `stale-revision` when the record's revision is not `expect`; nothing was changed.
   * @throws WarderError `storage-unavailable` on I/O failure; the outcome may be unknown, and reading tells.
   * @throws TypeError when `record.revision` is not `expect + 1` (1 for `absent`), or an id or collection is malformed.
   */
  put(record: StoredRecord, expect: Expected, op: Op): Promise<void>

  /** Removes the record if its revision is `expect`; durable when it resolves. Otherwise as {@link put}. */
  delete(collection: string, id: string, expect: number, op: Op): Promise<void>

  /** Records of a collection in order. Stable under writes: a record present throughout appears exactly once. */
  query(collection: string, query: Query, op: Op): Promise<Page>

  /** All or nothing, with the promises of {@link put}. Present iff `supports.atomicBatch`. At most 256 writes. */
  batch?(writes: readonly Write[], op: Op): Promise<void>
}

/**
 * - `atomicBatch`: `batch` exists and is all or nothing.
 * - `shared`: two openers of the same data are safe. When false, the second `open` is refused.
 */
export type StorageCapability = 'atomicBatch' | 'shared'

export type StoragePlugin<Config = unknown> = Plugin<'storage', StorageCapability, Config, Store>
