import { WarderError } from '@warder/contract'
import type { AppendFile, JournalFiles } from '../../src/audit/files.ts'

/** Journal files in memory, with the faults that a disk has: for the journal's own logic. The real ones are the daemon's. */
export class MemoryFiles implements JournalFiles {
  readonly contents = new Map<string, Buffer>()
  /** How many appends and creations were asked for. */
  writes = 0
  /** When set, the next append fails like this after writing that part of its bytes. */
  fault: { reason: 'no-space' | 'io-error' | 'file-removed'; keep: number } | undefined
  /** When set, appends wait for it. */
  gate: Promise<void> | undefined

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.contents.keys()])
  }

  async *read(name: string): AsyncIterable<Uint8Array> {
    const content = this.contents.get(name) as Buffer
    // Chunks that never fall on line ends.
    for (let at = 0; at < content.length; at += 1009) yield content.subarray(at, at + 1009)
  }

  async create(name: string, content: Uint8Array): Promise<AppendFile> {
    this.writes++
    await this.gate
    if (this.fault) throw this.#fail(name, Buffer.alloc(0), content)
    this.contents.set(name, Buffer.from(content))
    return this.#file(name)
  }

  open(name: string, length: number): Promise<AppendFile> {
    this.contents.set(name, Buffer.from((this.contents.get(name) as Buffer).subarray(0, length)))
    return Promise.resolve(this.#file(name))
  }

  #file(name: string): AppendFile {
    let committed = (this.contents.get(name) as Buffer).length
    const append = async (bytes: Uint8Array): Promise<void> => {
      this.writes++
      await this.gate
      const before = this.contents.get(name) as Buffer
      if (this.fault) throw this.#fail(name, before, bytes)
      this.contents.set(name, Buffer.concat([before, bytes]))
      committed = before.length + bytes.length
    }
    return {
      append,
      appendLast: async bytes => {
        this.fault = undefined
        this.contents.set(name, (this.contents.get(name) as Buffer).subarray(0, committed))
        await append(bytes)
      },
      close: () => Promise.resolve(),
    }
  }

  #fail(name: string, before: Buffer, bytes: Uint8Array): WarderError {
    const { reason, keep } = this.fault as NonNullable<typeof this.fault>
    if (before.length > 0) this.contents.set(name, Buffer.concat([before, bytes.subarray(0, keep)]))
    return new WarderError('journal-unavailable', 'fault', { facts: { reason } })
  }
}
