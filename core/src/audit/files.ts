/** The journal's files, as a port: the engine decides what is written, the host how it becomes durable. */
export interface JournalFiles {
  /** Names of the files in the journal's directory, in any order. */
  list(): Promise<readonly string[]>
  read(name: string): AsyncIterable<Uint8Array>
  /** Makes a file with this content. It appears whole or not at all, and is durable when the promise resolves. */
  create(name: string, content: Uint8Array): Promise<AppendFile>
  /** Opens a file for appending after cutting it to `length` bytes; the cut is durable when the promise resolves. */
  open(name: string, length: number): Promise<AppendFile>
}

export interface AppendFile {
  /**
   * Appends, durably when it resolves. Any rejection is final for this file: a sync that failed may "succeed" when
   * repeated while the data is gone, so it is never repeated.
   * @throws WarderError `journal-unavailable` with fact `reason`: `no-space`, `file-removed` or `io-error`.
   */
  append(bytes: Uint8Array): Promise<void>
  /**
   * After an append that failed for want of space: takes back what it wrote, frees the reserve kept for this, and appends
   * a last batch.
   */
  appendLast(bytes: Uint8Array): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}
