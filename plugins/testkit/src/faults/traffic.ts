import type { Direction } from './fault.ts'

/** What a proxy has seen since it was started. Bytes are counted over all connections. */
export interface Seen {
  /** Connections that were taken and not refused. */
  readonly accepted: number
  /** Connections that a fault reset as soon as they were made. */
  readonly refused: number
  /** Connections that were reset after they had been accepted, by a fault or because one of their ends broke. */
  readonly cut: number
  /** Accepted connections that their client has not ended. */
  readonly open: number
  /** Bytes taken from the sender. In a stall that is up to 256 KiB of a connection in each direction. */
  readonly received: Readonly<Record<Direction, number>>
  /** Bytes handed over to the receiver's side. */
  readonly delivered: Readonly<Record<Direction, number>>
}

interface Waiting {
  readonly condition: (seen: Seen) => boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Counts, and wakes those who wait for a count. */
export class Traffic {
  readonly #waiting = new Set<Waiting>()
  #seen: Seen = {
    accepted: 0,
    refused: 0,
    cut: 0,
    open: 0,
    received: { 'to-server': 0, 'to-client': 0 },
    delivered: { 'to-server': 0, 'to-client': 0 },
  }

  /** As it is now; it does not change. */
  get seen(): Seen {
    return this.#seen
  }

  count(change: Partial<Record<'accepted' | 'refused' | 'cut' | 'open', number>>): void {
    const { accepted = 0, refused = 0, cut = 0, open = 0 } = change
    const was = this.#seen
    this.#set({
      ...was,
      accepted: was.accepted + accepted,
      refused: was.refused + refused,
      cut: was.cut + cut,
      open: was.open + open,
    })
  }

  countBytes(what: 'received' | 'delivered', direction: Direction, bytes: number): void {
    const was = this.#seen
    this.#set({ ...was, [what]: { ...was[what], [direction]: was[what][direction] + bytes } })
  }

  async until(condition: (seen: Seen) => boolean): Promise<void> {
    if (condition(this.#seen)) return
    await new Promise<void>((resolve, reject) => this.#waiting.add({ condition, resolve, reject }))
  }

  /** Those who still wait are told that it will not happen. */
  end(): void {
    for (const { reject } of this.#waiting) reject(new Error('the fault proxy was closed while it was waited for'))
    this.#waiting.clear()
  }

  #set(seen: Seen): void {
    this.#seen = seen
    for (const waiting of this.#waiting) this.#look(waiting)
  }

  #look(waiting: Waiting): void {
    try {
      if (!waiting.condition(this.#seen)) return
      waiting.resolve()
    } catch (error) {
      waiting.reject(error)
    }
    this.#waiting.delete(waiting)
  }
}
