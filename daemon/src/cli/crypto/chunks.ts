export interface Chunk {
  readonly bytes: Buffer
  /** From 0. */
  readonly number: number
  readonly last: boolean
}

/** What comes, in chunks of `size` bytes; the last one is what is left, and is empty only when nothing came at all. */
export async function* chunksOf(input: AsyncIterable<Buffer>, size: number): AsyncGenerator<Chunk> {
  let parts: Buffer[] = []
  let length = 0
  let number = 0
  for await (const part of input) {
    parts.push(part)
    length += part.length
    // A full chunk waits for one more byte: only then is it not the last.
    if (length <= size) continue
    const all = Buffer.concat(parts)
    let at = 0
    for (; length - at > size; at += size) yield { bytes: all.subarray(at, at + size), number: number++, last: false }
    parts = [all.subarray(at)]
    length -= at
  }
  yield { bytes: Buffer.concat(parts), number, last: true }
}
