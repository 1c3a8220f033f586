import type { Attributes, OaepAlgorithm, WrappedRootKey } from '@warder/contract'

/**
 * Glossary
 * - *recipient*: an RSA key pair whose private half is kept away from the appliance; backups are sealed to its public half.
 * - *point*: a record of the journal. A backup is the state at its point, exactly: all changes up to it and none after.
 * - *origin*: one journal. After a restore or a loss a new one is opened, which commits to the end of the one before.
 */
export interface JournalPoint {
  readonly origin: string
  /** The last record. */
  readonly seq: number
  /** Its SHA-256, hex. */
  readonly hash: string
  /** The running hash of the commit that ends with it. */
  readonly running: string
}

export interface ResidentKey {
  readonly space: string
  readonly key: string
  readonly version: number
}

export interface Manifest {
  readonly format: 1
  readonly point: JournalPoint
  /** Of the appliance that made it. */
  readonly node: string
  /** RFC 3339. */
  readonly time: string
  readonly software: string
  /** How many records exist at the point. */
  readonly records: number
  /** Keys that are in the HSM alone, and so not in the backup. */
  readonly residentKeys: readonly ResidentKey[]
}

/**
 * What a backup is made of, in this order: the store secret, records, root keys, the manifest, the journal. A record may
 * come more than once; the one whose digest is its head in the journal counts.
 */
export type BackupPart =
  | { readonly part: 'store-secret'; readonly oaep: OaepAlgorithm; readonly bytes: Uint8Array }
  | {
      readonly part: 'record'
      readonly collection: string
      readonly id: string
      readonly revision: number
      readonly attributes: Attributes
      readonly bytes: Uint8Array
    }
  | ({ readonly part: 'root-key'; readonly bytes: Uint8Array } & Omit<WrappedRootKey, 'wrapped'>)
  | ({ readonly part: 'manifest' } & Manifest)
  | { readonly part: 'journal'; readonly segment: string; readonly bytes: Uint8Array }

/** A backup that is being made. */
export interface Backup {
  /** What to seal it to: SPKI, DER. */
  readonly recipient: Uint8Array
  /** How many keys have their private half in the HSM alone, and so not in the backup. The manifest names them. */
  readonly residentKeys: number
  /** To be read once. It fails, and there is no backup, when what it is made of does not fit together. */
  readonly parts: AsyncIterable<BackupPart>
  /** Journals the file as it was sealed; it is not complete before this resolves. `digest` is its SHA-256, hex. */
  finish(file: { readonly digest: string; readonly size: number }): Promise<void>
}
