import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SegmentRecords, type TailRecord } from './records.ts'

const readBytes = 1 << 20

/** The names of a journal's segments, oldest first. */
export async function segmentsOf(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter(name => /^\d{16}\.log$/.test(name)).toSorted()
}

/** One segment, read from where the reading before ended. Reads only. */
export class Segment {
  readonly name: string
  readonly #path: string
  readonly #records: SegmentRecords
  #offset = 0

  constructor(directory: string, name: string) {
    this.name = name
    this.#path = join(directory, name)
    this.#records = new SegmentRecords(name)
  }

  /** What was committed since. */
  async *read(): AsyncGenerator<TailRecord> {
    const file = await open(this.#path, 'r')
    try {
      const buffer = Buffer.alloc(readBytes)
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, readBytes, this.#offset)
        if (bytesRead === 0) return
        this.#offset += bytesRead
        yield* this.#records.push(Buffer.from(buffer.subarray(0, bytesRead)))
      }
    } finally {
      await file.close()
    }
  }
}
