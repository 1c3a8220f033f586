/** The largest payload of one frame, either way. */
export const maxFrameBytes = 1024 * 1024

export const headerBytes = 4

/**
 * Cuts a byte stream into frames, `u32be length | payload`, however the stream was split.
 *
 * A frame that lies within one chunk is lent as a view of it; only a frame that spans chunks is copied, and each of its
 * bytes once. The copied-from part of a chunk is wiped: the stream carries secrets, and nobody else holds that part.
 */
export class FrameReader {
  readonly #limit: number
  readonly #header = new Uint8Array(headerBytes)
  #headerLength = 0
  #body: Buffer | undefined
  #bodyLength = 0

  constructor(limit = maxFrameBytes) {
    this.#limit = limit
  }

  /** Calls `frame` for each payload completed by `chunk`. False when a length is zero or over the limit: the stream is lost. */
  push(chunk: Buffer, frame: (payload: Buffer) => void): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.#body !== undefined) {
        const taken = Math.min(this.#body.length - this.#bodyLength, chunk.length - at)
        this.#body.set(chunk.subarray(at, at + taken), this.#bodyLength)
        chunk.fill(0, at, at + taken)
        this.#bodyLength += taken
        at += taken
        if (this.#bodyLength === this.#body.length) {
          const whole = this.#body
          this.#body = undefined
          frame(whole)
        }
        continue
      }
      while (this.#headerLength < headerBytes && at < chunk.length) this.#header[this.#headerLength++] = chunk[at++]!
      if (this.#headerLength < headerBytes) return true
      this.#headerLength = 0
      const length = readLength(this.#header)
      if (length === 0 || length > this.#limit) return false
      if (at + length <= chunk.length) {
        frame(chunk.subarray(at, at + length))
        at += length
      } else {
        this.#body = Buffer.alloc(length)
        this.#bodyLength = 0
      }
    }
    return true
  }
}

function readLength(header: Uint8Array): number {
  return ((header[0]! << 24) | (header[1]! << 16) | (header[2]! << 8) | header[3]!) >>> 0
}
