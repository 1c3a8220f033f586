/** What waits, and what it is weighed by. */
export interface Queued {
  /** Whom the work is for; served in turns with all others. */
  readonly tenant: string
  /** How much work it is, next to others: more than 0. */
  readonly cost: number
  /** What it waits for: a small number. It does not change while the item is in the queue. Absent: 0. */
  readonly lane?: number
}

export interface FairQueueLimits {
  /** Items of a lane at once. */
  readonly most: number
  /** Of them, of one tenant. */
  readonly mostOfTenant: number
}

interface Tenant {
  /** Virtual time at which its next item may begin: where its last one ended. */
  next: number
  /** Came into its turn before or after others of the same time. */
  turn: number
  /** In how many lanes it is in the turns. */
  lanes: number
}

/** What one tenant has in one lane. */
interface Flow<T> {
  readonly tenant: Tenant
  readonly items: Set<T>
  /** Its tenant's `next` and `turn` when it was put where it is. Those only grow, so it is never too far behind. */
  next: number
  turn: number
  inTurns: boolean
}

interface Lane<T> {
  readonly flows: Map<string, Flow<T>>
  /** A binary heap of the flows that have items, or had until one was taken out. */
  readonly turns: Flow<T>[]
  size: number
}

/**
 * Start-time fair queueing: each tenant's items in the order they came, and of all tenants' first items the one whose
 * tenant has been given the least. An item of cost 60 is weighed as sixty of cost 1. A tenant that comes after a pause
 * is served next, whatever others have waiting; what it did not use meanwhile is not kept for it.
 *
 * Items that wait for different things are in lanes: one that cannot be served now holds up none of another lane, while what
 * a tenant is given counts in all of them alike.
 *
 * When a lane is full it is the tenant with the most waiting in it who gives way, by its newest: nobody is refused for what
 * others have put there.
 */
export class FairQueue<T extends Queued> {
  readonly #limits: FairQueueLimits
  readonly #tenants = new Map<string, Tenant>()
  readonly #lanes: (Lane<T> | undefined)[] = []
  #now = 0
  #lastTurn = 0
  #size = 0

  constructor(limits: FairQueueLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  sizeOf(lane: number): number {
    return this.#lanes[lane]?.size ?? 0
  }

  /** Answers what found no place and is not in the queue (any more): this item, or another in its stead. */
  push(item: T): T | undefined {
    const lane = this.#laneOf(item)
    const own = lane.flows.get(item.tenant)?.items.size ?? 0
    if (own >= this.#limits.mostOfTenant) return item
    if (lane.size < this.#limits.most) {
      this.put(item)
      return undefined
    }
    const longest = longestOf(lane)
    if (longest === undefined || longest.items.size <= own + 1) return item
    const displaced = [...longest.items].at(-1)!
    this.delete(displaced)
    this.put(item)
    return displaced
  }

  /** As push, and takes no notice of the limits. */
  put(item: T): void {
    const lane = this.#laneOf(item)
    const flow = this.#flowOf(lane, item.tenant)
    const { tenant } = flow
    flow.items.add(item)
    lane.size++
    this.#size++
    if (flow.inTurns) return
    if (tenant.lanes++ === 0) {
      tenant.next = Math.max(tenant.next, this.#now)
      tenant.turn = this.#lastTurn++
    }
    flow.inTurns = true
    flow.next = tenant.next
    flow.turn = tenant.turn
    lane.turns.push(flow)
    rise(lane.turns, lane.turns.length - 1)
  }

  /** Takes the next one out, of those lanes that `open` lets through. */
  shift(open: (lane: number) => boolean = () => true): T | undefined {
    let first: Flow<T> | undefined
    let from: Lane<T> | undefined
    for (let number = 0; number < this.#lanes.length; number++) {
      const lane = this.#lanes[number]
      if (lane === undefined || lane.size === 0 || !open(number)) continue
      const flow = frontOf(lane)
      if (flow === undefined || (first !== undefined && !isBefore(flow, first))) continue
      first = flow
      from = lane
    }
    if (first === undefined || from === undefined) return undefined
    const [item] = first.items
    const { tenant } = first
    first.items.delete(item!)
    from.size--
    this.#size--
    // one that could not be served for a while is not owed what it has missed
    this.#now = Math.max(this.#now, tenant.next)
    tenant.next = this.#now + item!.cost
    tenant.turn = this.#lastTurn++
    if (first.items.size === 0) leave(from)
    else catchUp(from)
    this.#forgetIdle()
    return item
  }

  /** False when it is not here. */
  delete(item: T): boolean {
    const lane = this.#lanes[item.lane ?? 0]
    if (lane?.flows.get(item.tenant)?.items.delete(item) !== true) return false
    lane.size--
    this.#size--
    // its flow stays in the turns, and is passed over when it comes up empty
    this.#forgetIdle()
    return true
  }

  /** Everything that waits, of each tenant in a lane in its order. */
  *[Symbol.iterator](): Generator<T> {
    for (const lane of this.#lanes) for (const flow of lane?.flows.values() ?? []) yield* flow.items
  }

  #laneOf({ lane = 0 }: T): Lane<T> {
    return (this.#lanes[lane] ??= { flows: new Map(), turns: [], size: 0 })
  }

  #flowOf(lane: Lane<T>, name: string): Flow<T> {
    let flow = lane.flows.get(name)
    if (flow === undefined) {
      let tenant = this.#tenants.get(name)
      if (tenant === undefined) {
        tenant = { next: this.#now, turn: 0, lanes: 0 }
        this.#tenants.set(name, tenant)
      }
      flow = { tenant, items: new Set(), next: 0, turn: 0, inTurns: false }
      lane.flows.set(name, flow)
    }
    return flow
  }

  /** Whoever has nothing waiting and is owed to nobody need not be remembered. */
  #forgetIdle(): void {
    if (this.#size === 0) {
      this.#tenants.clear()
      this.#lanes.length = 0
      this.#now = 0
      return
    }
    const inTurns = this.#lanes.reduce((sum, lane) => sum + (lane?.turns.length ?? 0), 0)
    if (this.#tenants.size <= 2 * inTurns + 64) return
    for (const [name, tenant] of this.#tenants) {
      if (tenant.lanes > 0 || tenant.next > this.#now) continue
      this.#tenants.delete(name)
      for (const lane of this.#lanes) lane?.flows.delete(name)
    }
  }
}

function longestOf<T>(lane: Lane<T>): Flow<T> | undefined {
  let longest: Flow<T> | undefined
  for (const flow of lane.flows.values()) {
    if (longest === undefined || flow.items.size > longest.items.size) longest = flow
  }
  return longest
}

/** The flow whose turn it is, brought up to what its tenant was given in other lanes meanwhile. */
function frontOf<T>(lane: Lane<T>): Flow<T> | undefined {
  for (let flow = lane.turns[0]; flow !== undefined; flow = lane.turns[0]) {
    if (flow.items.size === 0) leave(lane)
    else if (flow.turn !== flow.tenant.turn) catchUp(lane)
    else return flow
  }
  return undefined
}

function catchUp<T>({ turns }: Lane<T>): void {
  const first = turns[0]!
  first.next = first.tenant.next
  first.turn = first.tenant.turn
  sink(turns, 0)
}

/** Takes the first of the turns out of them. */
function leave<T>({ turns }: Lane<T>): void {
  const first = turns[0]!
  first.inTurns = false
  first.tenant.lanes--
  const last = turns.pop()!
  if (last === first) return
  turns[0] = last
  sink(turns, 0)
}

function rise<T>(turns: Flow<T>[], from: number): void {
  const moved = turns[from]!
  let at = from
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(moved, turns[parent]!)) break
    turns[at] = turns[parent]!
    at = parent
  }
  turns[at] = moved
}

function sink<T>(turns: Flow<T>[], from: number): void {
  const moved = turns[from]!
  let at = from
  for (let child = 2 * at + 1; child < turns.length; child = 2 * at + 1) {
    const other = child + 1
    if (other < turns.length && isBefore(turns[other]!, turns[child]!)) child = other
    if (!isBefore(turns[child]!, moved)) break
    turns[at] = turns[child]!
    at = child
  }
  turns[at] = moved
}

function isBefore(a: Flow<unknown>, b: Flow<unknown>): boolean {
  return a.next < b.next || (a.next === b.next && a.turn < b.turn)
}
