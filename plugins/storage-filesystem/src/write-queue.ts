import { AbortListeners, WarderError } from '@warder/contract'
import { cancelled, unavailable } from './failures.ts'

export interface QueueLimits {
  /** How many writes, and how many bytes of them, may wait or be under way. */
  readonly items: number
  readonly bytes: number
  /** How many writes are under way at once. */
  readonly width: number
}

export interface Turn {
  /** Names the record. */
  readonly key: string
  readonly bytes: number
  readonly signal: AbortSignal
}

interface Item {
  readonly key: string
  readonly start: () => void
}

/**
 * Writes of one record run one after the other, in the order they came; those of different records side by side. A write
 * can be cancelled until it starts; from then on its outcome is told.
 */
export class WriteQueue {
  readonly #limits: QueueLimits
  readonly #aborts = new AbortListeners()
  readonly #waiting: Item[] = []
  readonly #underWay = new Map<string, Promise<void>>()
  #bytes = 0
  #idle: Promise<void> | undefined
  #becomeIdle: (() => void) | undefined

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#waiting.length + this.#underWay.size
  }

  /** Resolves when the write of this record that is under way has ended, well or not. Undefined when there is none. */
  underWay(key: string): Promise<void> | undefined {
    return this.#underWay.get(key)
  }

  /** @throws WarderError `over-capacity`, `cancelled`, or what `write` throws. */
  async run({ key, bytes, signal }: Turn, write: () => Promise<void>): Promise<void> {
    if (this.#idle) throw unavailable('The store is closed.')
    const full = this.length >= this.#limits.items || this.#bytes + bytes > this.#limits.bytes
    if (full && this.length > 0) throw new WarderError('over-capacity', 'Too many writes are waiting for the disk.')
    this.#bytes += bytes
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        forget()
        const work = write()
        resolve(work)
        const end = () => this.#end(key, bytes)
        this.#underWay.set(key, work.then(end, end))
      }
      const item: Item = { key, start }
      const forget = this.#aborts.add(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(item), 1)
        reject(cancelled())
        this.#end(undefined, bytes)
      })
      this.#waiting.push(item)
      this.#startNext()
    })
  }

  /** Takes no more, and resolves when what was taken has ended. Idempotent. */
  close(): Promise<void> {
    this.#idle ??= this.length === 0 ? Promise.resolve() : new Promise(resolve => (this.#becomeIdle = resolve))
    return this.#idle
  }

  #startNext(): void {
    while (this.#underWay.size < this.#limits.width) {
      const at = this.#waiting.findIndex(({ key }) => !this.#underWay.has(key))
      const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
      if (!next) return
      next.start()
    }
  }

  #end(key: string | undefined, bytes: number): void {
    if (key !== undefined) this.#underWay.delete(key)
    this.#bytes -= bytes
    this.#startNext()
    if (this.length === 0) this.#becomeIdle?.()
  }
}
