import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { BackupPart } from '@warder/core'
import { openChunks } from '../sealed-chunks.ts'
import { damaged, readHeader } from './header.ts'
import { decodeParts, inOrder } from './parts.ts'

const readBytes = 1 << 20

/** A backup file that is open for reading. Each reading begins at its start. */
export class BackupFile {
  readonly #handle: FileHandle
  readonly #key: KeyObject
  readonly #line: Buffer
  readonly #fileKey: Buffer
  /** In bytes. */
  readonly size: number
  /** SHA-256 of the recipient's SPKI, hex. */
  readonly recipient: string

  private constructor(
    handle: FileHandle,
    key: KeyObject,
    opened: { line: Buffer; recipient: string; fileKey: Buffer; size: number },
  ) {
    this.#handle = handle
    this.#key = key
    this.#line = opened.line
    this.#fileKey = opened.fileKey
    this.recipient = opened.recipient
    this.size = opened.size
  }

  /**
   * Opens the file key; the handle stays the caller's.
   * @throws WarderError `backup-damaged` when it is no backup, or for another recipient
   */
  static async over(handle: FileHandle, recipientKey: KeyObject): Promise<BackupFile> {
    const start = Buffer.alloc(4096)
    const { bytesRead } = await handle.read(start, 0, start.length, 0)
    const { line, recipient, fileKey } = readHeader(start.subarray(0, bytesRead))
    const { size } = await handle.stat()
    const opened = { line, recipient, size, fileKey: fileKey(recipientKey, createPublicKey(recipientKey)) }
    return new BackupFile(handle, recipientKey, opened)
  }

  /** The recipient's private key, which opens what is wrapped inside once more. */
  get recipientKey(): KeyObject {
    return this.#key
  }

  /** Names this file: two backups never have the same. */
  get id(): string {
    return createHash('sha256').update(this.#line).digest('hex')
  }

  /**
   * What it is made of. Each part was found genuine and in its place when it comes; that the file is all there is known when
   * the last one has come.
   * @throws WarderError `backup-damaged`
   */
  parts(progress: (bytes: number) => void = () => undefined): AsyncGenerator<BackupPart> {
    const ciphertext = this.#read(this.#line.length, progress)
    return inOrder(decodeParts(openChunks(this.#line, this.#fileKey, ciphertext, cause => damaged(undefined, cause))))
  }

  /** SHA-256 of the whole file, hex: what the journal of the appliance that made it says, and what it was noted under. */
  async digest(): Promise<string> {
    const hash = createHash('sha256')
    for await (const bytes of this.#read(0, () => undefined)) hash.update(bytes)
    return hash.digest('hex')
  }

  /** Forgets the file key. */
  close(): void {
    this.#fileKey.fill(0)
  }

  async *#read(from: number, progress: (bytes: number) => void): AsyncGenerator<Buffer> {
    for (let at = from; ;) {
      const buffer = Buffer.alloc(readBytes)
      const { bytesRead } = await this.#handle.read(buffer, 0, readBytes, at)
      if (bytesRead === 0) return
      at += bytesRead
      progress(at)
      yield buffer.subarray(0, bytesRead)
    }
  }
}
