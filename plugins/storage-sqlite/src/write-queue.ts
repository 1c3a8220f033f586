import type { Worker } from 'node:worker_threads'
import { AbortListeners, WarderError } from '@warder/contract'
import { cancelled, unavailable } from './failures.ts'
import type { GroupAnswer, Outcome } from './group-writer.ts'
import { bytesOf, type PlainWrite } from './write.ts'
import type { FromWriter, ToWriter } from './writer-messages.ts'

export interface QueueLimits {
  /** How many items, and about how many bytes of them, may wait or be under way. */
  readonly items: number
  readonly bytes: number
  /** How many items, and about how many bytes of them, go into one commit. */
  readonly groupItems: number
  readonly groupBytes: number
}

interface Item {
  readonly writes: readonly PlainWrite[]
  readonly bytes: number
  readonly settle: (error?: WarderError) => void
}

/**
 * The near side of the writer thread. While one group is being committed the next one gathers, so that the busier it
 * is the more writes share a sync. An item can be cancelled until its group leaves; from then on its outcome is told.
 */
export class WriteQueue {
  readonly #worker: Worker
  readonly #limits: QueueLimits
  readonly #onFailure: (error: WarderError) => void
  readonly #aborts = new AbortListeners()
  #waiting: Item[] = []
  #underWay: readonly Item[] = []
  #bytes = 0
  #commits = 0
  #failure: WarderError | undefined
  #closing: Promise<void> | undefined
  readonly #gone: Promise<void>
  #idle: (() => void) | undefined

  /** Takes over a worker that is ready. `onFailure` is called once, when no write can succeed any more. */
  constructor(worker: Worker, limits: QueueLimits, onFailure: (error: WarderError) => void) {
    this.#worker = worker
    this.#limits = limits
    this.#onFailure = onFailure
    this.#gone = new Promise(resolve => {
      worker.on('exit', () => {
        this.#fail(unavailable('The writer thread has ended.'))
        resolve()
      })
    })
    worker.on('error', error => this.#fail(unavailable('The writer thread has failed.', error)))
    worker.on('message', (message: FromWriter) => {
      if (message.kind === 'answer') this.#answered(message)
    })
  }

  /** How many transactions were asked for since the store was opened. */
  get commits(): number {
    return this.#commits
  }

  get length(): number {
    return this.#waiting.length + this.#underWay.length
  }

  /** Why no write can succeed any more; undefined while they can. */
  get failure(): WarderError | undefined {
    return this.#failure
  }

  /**
   * All or nothing; durable when it resolves.
   * @throws WarderError `stale-revision`, `over-capacity`, `cancelled`, `storage-unavailable`.
   */
  async submit(writes: readonly PlainWrite[], signal: AbortSignal): Promise<void> {
    if (this.#failure) throw this.#failure
    if (this.#closing) throw unavailable('The store is closed.')
    const bytes = writes.reduce((sum, write) => sum + bytesOf(write), 0)
    const full = this.length >= this.#limits.items || this.#bytes + bytes > this.#limits.bytes
    if (full && this.length > 0) throw new WarderError('over-capacity', 'Too many writes are waiting for the disk.')
    await new Promise<void>((resolve, reject) => {
      const cancel = () => {
        const at = this.#waiting.indexOf(item)
        if (at < 0) return
        this.#waiting.splice(at, 1)
        item.settle(cancelled())
      }
      const settle = (error?: WarderError) => {
        forget()
        this.#bytes -= bytes
        if (error) reject(error)
        else resolve()
      }
      const item: Item = { writes, bytes, settle }
      const forget = this.#aborts.add(signal, cancel)
      this.#bytes += bytes
      // the first of a burst waits for the rest of it
      if (this.#waiting.push(item) === 1) queueMicrotask(() => this.#send())
    })
  }

  /** Lets what was taken finish, then ends the thread. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.length > 0) await new Promise<void>(resolve => (this.#idle = resolve))
    this.#say({ kind: 'close' })
    await this.#gone
  }

  #send(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return
    const group = this.#waiting.splice(0, this.#nextGroup())
    this.#underWay = group
    this.#commits += 1
    const bodies = group.flatMap(({ writes }) =>
      writes.flatMap(write => (write.kind === 'put' ? [write.body.buffer] : [])),
    )
    this.#say({ kind: 'commit', group: group.map(({ writes }) => writes) }, bodies)
  }

  #say(message: ToWriter, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }

  /** At least one item, however large. */
  #nextGroup(): number {
    let bytes = 0
    const end = this.#waiting.findIndex((item, at) => {
      bytes += item.bytes
      return at > 0 && (at >= this.#limits.groupItems || bytes > this.#limits.groupBytes)
    })
    return end < 0 ? this.#waiting.length : end
  }

  #answered({ outcomes, broken }: GroupAnswer): void {
    const group = this.#underWay
    this.#underWay = []
    for (const [n, item] of group.entries()) item.settle(errorOf(outcomes[n], item))
    if (broken) this.#fail(unavailable('A write failed in a way that only opening the store anew can mend.'))
    this.#send()
    if (this.length === 0) this.#idle?.()
  }

  #fail(error: WarderError): void {
    if (this.#failure) return
    this.#failure = error
    for (const item of [...this.#underWay, ...this.#waiting]) item.settle(error)
    this.#underWay = []
    this.#waiting = []
    this.#idle?.()
    if (!this.#closing) this.#onFailure(error)
  }
}

function errorOf(outcome: Outcome | undefined, { writes }: Item): WarderError | undefined {
  if (outcome?.kind === 'done') return undefined
  if (outcome?.kind === 'stale') {
    const facts = { collections: [...new Set(writes.map(write => write.collection))] }
    return new WarderError('stale-revision', 'A record is not at the revision that the write expects.', { facts })
  }
  if (outcome === undefined) return unavailable('The writer thread is out of step.')
  const message = outcome.code === 'SQLITE_FULL' ? 'The disk is full.' : 'The write failed.'
  return unavailable(message, new Error(`${outcome.code}: ${outcome.message}`))
}
