import {
  AbortListeners,
  checkDelete,
  checkKey,
  checkPut,
  checkQuery,
  checkWrites,
  WarderError,
  type Expected,
  type Health,
  type Op,
  type Page,
  type Query,
  type Store,
  type StoredRecord,
  type Write,
} from '@warder/contract'
import type { ProxyAddress } from '@warder/testkit'
import { Connection, type Asked } from './connection.ts'
import { FrameReader, type Answer, type Call } from './wire.ts'

/** How long a write that was given up, a probe of health and closing wait for the server, in milliseconds. */
const grace = 1000
const mostAtOnce = 4096

/**
 * Test-only reference: a store that reaches its records over a network. It has one connection and makes another when that
 * one is lost. It never repeats a call: a write whose answer was lost may have been made.
 */
export class RemoteStore implements Store {
  readonly maxBodyBytes = 1_048_576
  readonly #address: ProxyAddress
  readonly #frames: () => FrameReader<Answer>
  readonly #aborts = new AbortListeners()
  readonly #underWay = new Set<Promise<unknown>>()
  #connection: Connection
  #closed: Promise<void> | undefined

  /** `frames` lets a test take one that is broken. */
  constructor(address: ProxyAddress, frames = () => new FrameReader<Answer>()) {
    this.#address = address
    this.#frames = frames
    this.#connection = new Connection(address, frames())
  }

  /**
   * Resolves when the server has answered; otherwise nothing is left open.
   * @throws WarderError `storage-unavailable`, `cancelled`.
   */
  async open(op: Op): Promise<this> {
    try {
      await this.#read({ kind: 'hello' }, op)
      return this
    } catch (error) {
      await this.#connection.end()
      throw error
    }
  }

  async get(collection: string, id: string, op: Op): Promise<StoredRecord | undefined> {
    checkKey(collection, id)
    return (await this.#read({ kind: 'get', collection, id }, op)) as StoredRecord | undefined
  }

  async query(collection: string, query: Query, op: Op): Promise<Page> {
    checkQuery(collection, query)
    return (await this.#read({ kind: 'query', collection, query }, op)) as Page
  }

  async put(record: StoredRecord, expect: Expected, op: Op): Promise<void> {
    checkPut(record, expect, this.maxBodyBytes)
    await this.#write({ kind: 'put', record: structuredClone(record), expect }, op)
  }

  async delete(collection: string, id: string, expect: number, op: Op): Promise<void> {
    checkDelete(collection, id, expect)
    await this.#write({ kind: 'delete', collection, id, expect }, op)
  }

  async batch(writes: readonly Write[], op: Op): Promise<void> {
    checkWrites(writes, this.maxBodyBytes)
    await this.#write({ kind: 'batch', writes: structuredClone(writes) }, op)
  }

  async health(op: Op): Promise<Health> {
    if (this.#closed) return { ok: false, detail: 'closed' }
    try {
      await this.#read({ kind: 'hello' }, { signal: AbortSignal.any([op.signal, AbortSignal.timeout(grace)]) })
      return { ok: true, detail: 'connected' }
    } catch {
      return { ok: false, detail: 'the storage server does not answer' }
    }
  }

  /** Lets what was taken finish, and no longer than {@link grace}: a stalled network would keep it for ever. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= within(grace, Promise.allSettled(this.#underWay)).then(() => this.#connection.end())
    return this.#closed
  }

  /** Ends with its signal. */
  #read(call: Call, op: Op): Promise<unknown> {
    return this.#run(op, async connection => {
      const { answer, forget } = connection.ask(call)
      return this.#unlessAborted(answer, op.signal).finally(forget)
    })
  }

  /** Once it is sent, only the answer tells what became of it; without one it is `storage-unavailable`. */
  #write(call: Call, op: Op): Promise<unknown> {
    return this.#run(op, async connection => this.#settled(connection.ask(call), op.signal))
  }

  async #settled({ answer, forget }: Asked, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#unlessAborted(answer, signal)
    } catch (error) {
      if (!WarderError.is(error, 'cancelled')) throw error
      return await within(grace, answer).then(({ ended }) => {
        if (ended) return answer
        throw new WarderError('storage-unavailable', 'The storage server did not say what became of the write.')
      })
    } finally {
      forget()
    }
  }

  #run(op: Op, work: (connection: Connection) => Promise<unknown>): Promise<unknown> {
    if (this.#closed) throw new WarderError('storage-unavailable', 'The store is closed.')
    if (op.signal.aborted) throw cancelled()
    if (this.#underWay.size >= mostAtOnce) throw new WarderError('over-capacity', 'Too many calls are on their way.')
    const running = this.#connected(op.signal).then(work)
    this.#underWay.add(running)
    return running.finally(() => this.#underWay.delete(running))
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    if (this.#connection.isOver) this.#connection = new Connection(this.#address, this.#frames())
    const connection = this.#connection
    await this.#unlessAborted(connection.ready, signal)
    return connection
  }

  #unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(cancelled())
      const stop = this.#aborts.add(signal, () => reject(cancelled()))
      work.then(resolve, reject).finally(stop)
    })
  }
}

/** Resolves when the work has ended, well or not, or when the time is over. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<{ readonly ended: boolean }> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<{ ended: boolean }>(resolve => {
    timer = setTimeout(() => resolve({ ended: false }), milliseconds)
  })
  const ended = { ended: true }
  try {
    return await Promise.race([
      timeout,
      work.then(
        () => ended,
        () => ended,
      ),
    ])
  } finally {
    clearTimeout(timer)
  }
}

function cancelled(): WarderError {
  return new WarderError('cancelled', 'The call was cancelled.')
}
