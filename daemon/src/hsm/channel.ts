import type { Socket } from 'node:net'
import { WarderError } from '@warder/contract'
import { decode, encode } from './codec.ts'
import { FrameReader, headerBytes, maxFrameBytes } from './frame-reader.ts'

export interface ChannelEvents {
  /** A decoded message: plain data, not yet trusted in any way. Byte strings are views that this callee now owns. */
  readonly onMessage: (message: unknown) => void
  /** Exactly once, after which nothing more is called: the peer is gone, or sent what is no frame. */
  readonly onClose: () => void
}

/**
 * Messages over a unix stream socket, as frames of `u32be length | MessagePack`, at most 1 MiB each.
 *
 * What is sent within one turn of the event loop leaves in one write, for waking the peer costs more than a message does.
 * Whatever cannot be a frame closes the connection and is not answered.
 * Every buffer written is wiped once the kernel has it, because store secrets and messages to be signed pass through here.
 */
export class Channel {
  readonly #socket: Socket
  readonly #throttle: boolean
  #outgoing: Buffer[] = []
  #outgoingBytes = 0
  #last: (() => void)[] = []
  #flushing = false
  #writes = 0

  /**
   * `throttle`: stop reading while the peer does not read. For one side only: two such peers could wait for each other.
   * `readLimit`: the longest payload that is taken from the peer, where that is less than a frame may hold.
   */
  constructor(
    socket: Socket,
    events: ChannelEvents,
    options: { readonly throttle: boolean; readonly readLimit?: number },
  ) {
    this.#socket = socket
    this.#throttle = options.throttle
    const reader = new FrameReader(options.readLimit)
    socket.on('data', chunk => {
      // a chunk may hold frames after the one that made us close: those are not to be acted on
      const readable = reader.push(chunk, payload => {
        if (socket.destroyed) return
        const message = decode(payload)
        if (message === undefined) socket.destroy()
        else events.onMessage(message)
      })
      if (!readable) socket.destroy()
    })
    // 'close' follows, and is what counts
    socket.on('error', () => {})
    socket.on('close', () => events.onClose())
    if (options.throttle) socket.on('drain', () => socket.resume())
  }

  /** Bytes the peer has not taken yet. */
  get backlog(): number {
    return this.#socket.writableLength + this.#outgoingBytes
  }

  /** How often it has written. What is sent now leaves with the next write, or never does when the channel is closed before. */
  get writes(): number {
    return this.#writes
  }

  /**
   * Encodes now and writes at the end of this turn of the event loop: the caller may wipe what it passed as soon as this
   * returns.
   * On a closed channel nothing happens; `onClose` tells.
   * @throws WarderError `body-too-large` when the message does not fit a frame.
   */
  send(message: object): void {
    const payload = encode(message)
    if (payload.length > maxFrameBytes) {
      payload.fill(0)
      throw new WarderError('body-too-large', 'The message does not fit the channel to the HSM', {
        facts: { maxBytes: maxFrameBytes },
      })
    }
    this.#flushLater()
    this.#outgoing.push(payload)
    this.#outgoingBytes += headerBytes + payload.length
  }

  /** Calls `last` at the end of this turn, before what it sent is written: for what is to go together in one message. */
  atEndOfTurn(last: () => void): void {
    this.#flushLater()
    this.#last.push(last)
  }

  /** Closes after what was sent has been written. */
  end(): void {
    this.#flush()
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #flushLater(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    for (const last of this.#last.splice(0)) last()
    this.#flushing = false
    if (this.#outgoing.length === 0) return
    const batch = Buffer.allocUnsafeSlow(this.#outgoingBytes)
    let at = 0
    for (const payload of this.#outgoing) {
      batch.writeUInt32BE(payload.length, at)
      batch.set(payload, at + headerBytes)
      at += headerBytes + payload.length
      payload.fill(0)
    }
    this.#outgoing = []
    this.#outgoingBytes = 0
    if (!this.#socket.writable) {
      batch.fill(0)
      return
    }
    this.#writes++
    const taken = this.#socket.write(batch, () => batch.fill(0))
    if (!taken && this.#throttle) this.#socket.pause()
  }
}
