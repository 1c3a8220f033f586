interface Numbered {
  id: number
}

const slotBits = 12
const slots = 2 ** slotBits
const rounds = 2 ** (32 - slotBits)

/**
 * Calls that are under way, by ids that fit 32 bits. An id is a place in a list and how often that place was taken before: an
 * answer that comes twice finds nobody, and not the next call in its place. Not a Map, for what that does to calls that come
 * and go all the time: see in-order.ts.
 */
export class CallTable<Call extends Numbered> {
  readonly #calls: (Call | undefined)[] = []
  /** How often each place was taken. */
  readonly #taken: number[] = []
  readonly #free: number[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Gives the call its id. False when there are as many calls as there are places. */
  add(call: Call): boolean {
    const slot = this.#free.pop() ?? this.#calls.length
    if (slot === slots) return false
    const round = this.#taken[slot] ?? 0
    this.#taken[slot] = (round + 1) % rounds
    call.id = round * slots + slot
    this.#calls[slot] = call
    this.#size++
    return true
  }

  get(id: number): Call | undefined {
    const call = this.#calls[id % slots]
    return call?.id === id ? call : undefined
  }

  /** False when it is not here (any more). */
  delete(id: number): boolean {
    if (this.get(id) === undefined) return false
    const slot = id % slots
    this.#calls[slot] = undefined
    this.#free.push(slot)
    this.#size--
    return true
  }

  /** Takes out all there are. */
  take(): readonly Call[] {
    const calls = this.#calls.filter(call => call !== undefined)
    for (const { id } of calls) this.delete(id)
    return calls
  }
}
