import { connect, type Socket } from 'node:net'
import { WarderError } from '@warder/contract'
import type { ProxyAddress } from '@warder/testkit'
import { encodeFrame, FrameReader, type Answer, type Call } from './wire.ts'

interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: WarderError) => void
}

/** A call on its way. */
export interface Asked {
  /** Rejects with `storage-unavailable` when the connection ends before the answer, and with what the server refuses. */
  readonly answer: Promise<unknown>
  /** Its answer will not be waited for. */
  readonly forget: () => void
}

/** One connection for as long as it lasts; any number of calls at once. */
export class Connection {
  /** Rejects with `storage-unavailable` when there is no connection to be had. */
  readonly ready: Promise<void>
  readonly #socket: Socket
  readonly #frames: FrameReader<Answer>
  readonly #waiting = new Map<number, Waiting>()
  readonly #gone: Promise<void>
  #isOver = false
  #calls = 0

  constructor(address: ProxyAddress, frames: FrameReader<Answer>) {
    this.#frames = frames
    this.#socket = connect(address)
    this.#socket.setNoDelay(true)
    let cause: unknown
    this.#socket.on('error', error => (cause = error))
    this.#socket.on('data', chunk => this.#take(chunk))
    // the server never ends one by itself, so an end is a failure too
    this.#socket.on('end', () => this.#socket.destroy())
    this.ready = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve)
      this.#socket.once('close', () => reject(lost(cause)))
    })
    // told to each call as well
    this.ready.catch(() => {})
    this.#gone = new Promise(resolve => {
      this.#socket.once('close', () => {
        this.#isOver = true
        for (const { reject } of this.#waiting.values()) reject(lost(cause))
        this.#waiting.clear()
        resolve()
      })
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  ask(call: Call): Asked {
    const n = this.#calls++
    const answer = new Promise((resolve, reject: Waiting['reject']) => {
      if (this.#isOver) reject(lost())
      else {
        this.#waiting.set(n, { resolve, reject })
        this.#socket.write(encodeFrame({ n, call }))
      }
    })
    return { answer, forget: () => this.#waiting.delete(n) }
  }

  /** Resolves when it is closed. Calls that wait are rejected. */
  async end(): Promise<void> {
    this.#socket.destroy()
    await this.#gone
  }

  #take(chunk: Buffer): void {
    try {
      for (const said of this.#frames.read(chunk)) {
        const waiting = this.#waiting.get(said.n)
        this.#waiting.delete(said.n)
        if ('refused' in said) waiting?.reject(new WarderError(said.refused.code, said.refused.message))
        else waiting?.resolve(said.ok)
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined)
    }
  }
}

function lost(cause?: unknown): WarderError {
  return new WarderError('storage-unavailable', 'There is no connection to the storage server.', { cause })
}
