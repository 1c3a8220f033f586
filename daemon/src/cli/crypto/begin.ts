/** The start of what comes, and all of it again. */
export interface Begun {
  /** At most what was asked for and one chunk more; all there is when `whole`. */
  readonly start: Buffer
  readonly whole: boolean
  /** From the beginning, `start` included. To be read once. */
  readonly all: AsyncIterable<Buffer>
}

/** Reads until there are more than `limit` bytes, or no more. */
export async function begin(input: AsyncGenerator<Buffer>, limit: number): Promise<Begun> {
  const parts: Buffer[] = []
  let length = 0
  let ended = false
  while (length <= limit && !ended) {
    const next = await input.next()
    ended = next.done === true
    if (next.done === true) break
    parts.push(next.value)
    length += next.value.length
  }
  const start = Buffer.concat(parts)
  return { start, whole: length <= limit, all: follow(start, input) }
}

async function* follow(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield start
  yield* rest
}
