import { WarderError } from '@warder/contract'
import { type Done, type Holder, HsmCall } from './call.ts'
import { FairQueue } from './fair-queue.ts'
import { HostConnection } from './host-connection.ts'
import { route } from './routing.ts'
import { readStatus } from './status.ts'
import { explain, unavailable } from './unavailable.ts'

/** How long calls wait for a host after the last one was lost. From then on they are refused at once. */
const graceMs = 1000
/** The same, while a host is being replaced: it has opened its token before. */
const passingMs = 10_000
/** How often the status file is read while calls wait for a host: a refusal is told there alone. */
const statusMs = 250

export interface DispatcherLimits {
  /** Calls a host has at once; what is beyond waits here, where it can be put in order and taken back. */
  readonly window: number
  /** Of them, those that make or remove keys: one the token works at, and the next. */
  readonly changing: number
  /** Calls that wait. */
  readonly waiting: number
  /** Of one tenant. */
  readonly waitingOfTenant: number
}

/**
 * Which call goes to which host, and when. A call is sent at once where a host has a place free and nobody waits; else it
 * waits in its tenant's queue, and of all queues they are served in turns, by cost. What makes or removes keys waits in
 * queues of its own: a few generations of RSA keys, each of which takes seconds, do not take the places of signatures.
 *
 * A call that a host has not begun when it stops goes back to the queue. Nothing else is ever sent twice.
 */
export class Dispatcher implements Holder {
  readonly #runDir: string
  readonly #limits: DispatcherLimits
  readonly #uses: FairQueue<HsmCall>
  readonly #changes: FairQueue<HsmCall>
  readonly #wakers = new Set<() => void>()
  #hosts: readonly HostConnection[] = []
  #usable: readonly HostConnection[] = []
  /** Told of each call that had to wait for its turn: the host that got it, and how long it waited. */
  onTurn: ((host: number, waitedMs: number) => void) | undefined
  #downSince = performance.now()
  #patienceMs = graceMs
  #looking = false
  #disposed = false

  constructor(runDir: string, limits: DispatcherLimits) {
    this.#runDir = runDir
    this.#limits = limits
    const queue = { most: limits.waiting, mostOfTenant: limits.waitingOfTenant }
    this.#uses = new FairQueue(queue)
    this.#changes = new FairQueue(queue)
  }

  /** The hosts there are, connected or not. Called once, before anything else. */
  attach(hosts: readonly HostConnection[]): void {
    this.#hosts = hosts
  }

  /** Calls that wait for their turn, or for a host. */
  get waiting(): number {
    return this.#uses.size + this.#changes.size
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** Settles it at once when there is no place for it. */
  submit(call: HsmCall): void {
    if (this.#disposed) {
      call.settle({ error: disposed() })
      return
    }
    const queue = this.#queueOf(call)
    if (queue.size === 0 && this.#send(call)) return
    call.holder = this
    queue.push(call)?.settle({ error: overCapacity() })
    if (this.#usable.length === 0) void this.#whileDown()
  }

  abandon(call: HsmCall): Done {
    this.#queueOf(call).delete(call)
    return 'not-started'
  }

  /** For each connection's events. */
  readonly onUp = (): void => {
    this.#look()
    this.#drain()
    this.#wake()
  }

  readonly onDown = (): void => {
    const before = this.#usable.length
    this.#look()
    if (this.#usable.length > 0 || before === 0) return
    this.#downSince = performance.now()
    this.#patienceMs = graceMs
    // also when nobody waits yet: a host that is being replaced is told of now, and not when it is ready again
    void this.#whileDown()
  }

  readonly onFree = (): void => {
    if (this.waiting > 0) this.#drain()
  }

  readonly onReturned = (call: HsmCall): void => {
    if (this.#disposed) {
      call.settle({ error: disposed() })
      return
    }
    call.holder = this
    this.#queueOf(call).put(call)
    this.#drain()
    if (this.#usable.length === 0) void this.#whileDown()
  }

  /** Resolves when a host can be used, the time is over, the signal aborts or this is disposed: whichever is first. */
  usableWithin(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#wakers.delete(wake)
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      signal?.addEventListener('abort', wake, { once: true })
      this.#wakers.add(wake)
      // it may have happened before we listened
      if (this.#disposed || signal?.aborted === true || this.#usable.length > 0) wake()
    })
  }

  /** Ends what waits with `hsm-unavailable`. */
  dispose(): void {
    this.#disposed = true
    this.#refuseAll(disposed)
    this.#wake()
  }

  #queueOf(call: HsmCall): FairQueue<HsmCall> {
    return call.changesKeys ? this.#changes : this.#uses
  }

  /** False when no host has a place for it. */
  #send(call: HsmCall): boolean {
    const host = this.#hostFor(call)
    if (host === undefined) return false
    try {
      host.send(call)
    } catch (error) {
      call.settle({ error: error as Error })
    }
    return true
  }

  #hostFor({ changesKeys, blob }: HsmCall): HostConnection | undefined {
    const { window, changing } = this.#limits
    if (changesKeys) return route(this.#usable.filter(host => host.changing < changing && !host.full))
    let places = false
    let full = false
    for (const host of this.#usable) {
      if (host.full) full = true
      else if (host.load - host.changing < window) places = true
    }
    if (!places) return undefined
    // one with no place may still get it when it has the key and is hardly busier: see route
    return route(full ? this.#usable.filter(host => !host.full) : this.#usable, blob)
  }

  #drain(): void {
    for (const queue of [this.#uses, this.#changes]) this.#drainQueue(queue)
  }

  #drainQueue(queue: FairQueue<HsmCall>): void {
    while (queue.size > 0 && this.#hasPlace(queue === this.#changes)) {
      const call = queue.shift()!
      this.#send(call)
      if (call.holder instanceof HostConnection) this.onTurn?.(call.holder.index, call.sentAt - call.askedAt)
    }
  }

  #hasPlace(forChange: boolean): boolean {
    const { window, changing } = this.#limits
    return this.#usable.some(
      host => !host.full && (forChange ? host.changing < changing : host.load - host.changing < window),
    )
  }

  #look(): void {
    this.#usable = this.#hosts.filter(host => host.usable)
  }

  /** While there is no host: refuses what waits as soon as an operator is needed, or the grace is over. */
  async #whileDown(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      do {
        const why = explain(await readStatus(this.#runDir))
        if (this.#usable.length > 0) return
        if (why.passing) this.#patienceMs = passingMs
        const left = this.#downSince + this.#patienceMs - performance.now()
        if (why.final || left <= 0) this.#refuseAll(() => unavailable(why))
        else if (this.waiting > 0) await this.usableWithin(Math.min(left, statusMs))
      } while (this.#usable.length === 0 && this.waiting > 0)
    } finally {
      this.#looking = false
    }
  }

  #refuseAll(why: () => WarderError): void {
    for (const queue of [this.#uses, this.#changes]) {
      for (let call = queue.shift(); call !== undefined; call = queue.shift()) call.settle({ error: why() })
    }
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
  }
}

function overCapacity(): WarderError {
  return new WarderError('over-capacity', 'Too many calls to the HSM are waiting', {
    facts: { outcome: 'not-started' },
  })
}

export function disposed(): WarderError {
  return new WarderError('hsm-unavailable', 'The connection to the HSM was closed', {
    facts: { reason: 'closed', outcome: 'not-started' },
  })
}
