/** No problem is longer. */
const problemLimit = 64 * 1024

/** What came as text, as much of it as a problem may have. */
export async function textOf(bytes: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of bytes) {
    parts.push(part)
    length += part.length
    if (length > problemLimit) break
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Runs out when nothing has come for so long. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #ms: number
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#ms = ms
    this.start()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  start(): void {
    this.stop()
    this.#timer = setTimeout(() => this.#controller.abort(), this.#ms).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
