/** What waits, and what it is weighed by. */
export interface Queued {
  /** Whom the work is for; served in turns with all others. */
  readonly tenant: string
  /** How much work it is, next to others: more than 0. */
  readonly cost: number
}

export interface FairQueueLimits {
  /** Items at once. */
  readonly most: number
  /** Of one tenant, at once. */
  readonly mostOfTenant: number
}

interface Tenant<T> {
  readonly items: Set<T>
  /** Virtual time at which its next item may begin: where its last one ended. */
  next: number
  /** Came into its turn before or after others of the same time. */
  turn: number
  inTurns: boolean
}

/**
 * Start-time fair queueing: each tenant's items in the order they came, and of all tenants' first items the one whose
 * tenant has been given the least. An item of cost 60 is weighed as sixty of cost 1. A tenant that comes after a pause
 * is served next, whatever others have waiting; what it did not use meanwhile is not kept for it.
 *
 * When the queue is full it is the tenant with the most waiting who gives way, by its newest: nobody is refused for what
 * others have put there.
 */
export class FairQueue<T extends Queued> {
  readonly #limits: FairQueueLimits
  readonly #tenants = new Map<string, Tenant<T>>()
  /** A binary heap of the tenants that have items, or had until one was taken out. */
  readonly #turns: Tenant<T>[] = []
  #now = 0
  #lastTurn = 0
  #size = 0

  constructor(limits: FairQueueLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  /** Answers what found no place and is not in the queue (any more): this item, or another in its stead. */
  push(item: T): T | undefined {
    const own = this.#tenants.get(item.tenant)?.items.size ?? 0
    if (own >= this.#limits.mostOfTenant) return item
    if (this.#size < this.#limits.most) {
      this.put(item)
      return undefined
    }
    const longest = this.#longest()
    if (longest === undefined || longest.items.size <= own + 1) return item
    const displaced = [...longest.items].at(-1)!
    this.delete(displaced)
    this.put(item)
    return displaced
  }

  /** As push, and takes no notice of the limits. */
  put(item: T): void {
    const tenant = this.#tenantOf(item.tenant)
    tenant.items.add(item)
    this.#size++
    if (tenant.inTurns) return
    tenant.inTurns = true
    tenant.next = Math.max(tenant.next, this.#now)
    tenant.turn = this.#lastTurn++
    this.#turns.push(tenant)
    this.#rise(this.#turns.length - 1)
  }

  /** Takes the next one out. */
  shift(): T | undefined {
    for (let tenant = this.#turns[0]; tenant !== undefined; tenant = this.#turns[0]) {
      const [item] = tenant.items
      if (item === undefined) {
        this.#leave(tenant)
        continue
      }
      tenant.items.delete(item)
      this.#size--
      this.#now = tenant.next
      tenant.next += item.cost
      tenant.turn = this.#lastTurn++
      if (tenant.items.size === 0) this.#leave(tenant)
      else this.#sink(0)
      this.#forgetIdle()
      return item
    }
    return undefined
  }

  /** False when it is not here. */
  delete(item: T): boolean {
    if (this.#tenants.get(item.tenant)?.items.delete(item) !== true) return false
    this.#size--
    // its tenant stays in the turns, and is passed over when it comes up empty
    this.#forgetIdle()
    return true
  }

  #tenantOf(name: string): Tenant<T> {
    let tenant = this.#tenants.get(name)
    if (tenant === undefined) {
      tenant = { items: new Set(), next: this.#now, turn: 0, inTurns: false }
      this.#tenants.set(name, tenant)
    }
    return tenant
  }

  #longest(): Tenant<T> | undefined {
    let longest: Tenant<T> | undefined
    for (const tenant of this.#tenants.values()) {
      if (longest === undefined || tenant.items.size > longest.items.size) longest = tenant
    }
    return longest
  }

  /** Whoever has nothing waiting and is owed to nobody need not be remembered. */
  #forgetIdle(): void {
    if (this.#size === 0) {
      this.#tenants.clear()
      this.#turns.length = 0
      this.#now = 0
      return
    }
    if (this.#tenants.size <= 2 * this.#turns.length + 64) return
    for (const [name, tenant] of this.#tenants) {
      if (!tenant.inTurns && tenant.next <= this.#now) this.#tenants.delete(name)
    }
  }

  /** Takes the first of the turns out of them. */
  #leave(first: Tenant<T>): void {
    first.inTurns = false
    const last = this.#turns.pop()!
    if (last === first) return
    this.#turns[0] = last
    this.#sink(0)
  }

  #rise(from: number): void {
    const moved = this.#turns[from]!
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(moved, this.#turns[parent]!)) break
      this.#turns[at] = this.#turns[parent]!
      at = parent
    }
    this.#turns[at] = moved
  }

  #sink(from: number): void {
    const moved = this.#turns[from]!
    let at = from
    for (let child = 2 * at + 1; child < this.#turns.length; child = 2 * at + 1) {
      const other = child + 1
      if (other < this.#turns.length && isBefore(this.#turns[other]!, this.#turns[child]!)) child = other
      if (!isBefore(this.#turns[child]!, moved)) break
      this.#turns[at] = this.#turns[child]!
      at = child
    }
    this.#turns[at] = moved
  }
}

function isBefore(a: Tenant<unknown>, b: Tenant<unknown>): boolean {
  return a.next < b.next || (a.next === b.next && a.turn < b.turn)
}
