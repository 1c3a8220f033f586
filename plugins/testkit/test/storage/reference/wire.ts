import { deserialize, serialize } from 'node:v8'
import { WarderError, type Expected, type Query, type StoredRecord, type Write } from '@warder/contract'

/** What the client asks for. `hello` asks for nothing but an answer. */
export type Call =
  | { readonly kind: 'hello' }
  | { readonly kind: 'get'; readonly collection: string; readonly id: string }
  | { readonly kind: 'put'; readonly record: StoredRecord; readonly expect: Expected }
  | { readonly kind: 'delete'; readonly collection: string; readonly id: string; readonly expect: number }
  | { readonly kind: 'query'; readonly collection: string; readonly query: Query }
  | { readonly kind: 'batch'; readonly writes: readonly Write[] }

/** Calls are numbered by the client, so that answers come in any order and an answer nobody waits for is known as one. */
export interface Request {
  readonly n: number
  readonly call: Call
}

export type Answer =
  | { readonly n: number; readonly ok: unknown }
  | { readonly n: number; readonly refused: { readonly code: WarderError['code']; readonly message: string } }

const header = 4
const largestFrame = 536_870_912

/** Length, 4 bytes, then the message. V8's own format is for a client and server of one make that trust each other. */
export function encodeFrame(message: Request | Answer): Uint8Array {
  const body = serialize(message)
  const frame = Buffer.alloc(header + body.length)
  frame.writeUInt32BE(body.length)
  body.copy(frame, header)
  return frame
}

/** Makes messages of the bytes of a stream, however they are cut. */
export class FrameReader<Message extends Request | Answer> {
  #chunks: Buffer[] = []
  #bytes = 0

  /** @throws WarderError `storage-unavailable` for what is no frame. */
  read(chunk: Buffer): Message[] {
    const messages: Message[] = []
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (;;) {
      if (this.#bytes < header) return messages
      const length = Buffer.concat(this.#chunks.slice(0, header)).readUInt32BE()
      if (length > largestFrame) throw new WarderError('storage-unavailable', 'The other side speaks another language.')
      if (this.#bytes < header + length) return messages
      const [first, ...more] = this.#chunks
      const all = first && more.length === 0 ? first : Buffer.concat(this.#chunks)
      const rest = all.subarray(header + length)
      this.#chunks = rest.length > 0 ? [rest] : []
      this.#bytes = rest.length
      messages.push(messageIn(all.subarray(header, header + length)) as Message)
    }
  }
}

function messageIn(body: Uint8Array): unknown {
  try {
    return deserialize(body)
  } catch (error) {
    throw new WarderError('storage-unavailable', 'The other side sent what is no message.', { cause: error })
  }
}
