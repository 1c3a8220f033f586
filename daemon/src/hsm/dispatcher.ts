import { type TokenState, WarderError } from '@warder/contract'
import { tokenOfHost } from '../config/tokens.ts'
import { type Done, type Holder, HsmCall } from './call.ts'
import { FairQueue } from './fair-queue.ts'
import { HostConnection } from './host-connection.ts'
import { KnownTokens, type TokenSet } from './known-tokens.ts'
import { Outages } from './outages.ts'
import { route } from './routing.ts'
import { UsableHosts } from './usable-hosts.ts'
import { Wakers } from './wakers.ts'

/** Between looks at the tokens' root keys, when one is asked for that none is known to have. */
const lookAgainMs = 1000

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
 * queues of its own: a few generations of RSA keys, each of which takes seconds, do not take the places of signatures. What
 * changes the objects of a token goes to one host of it, for as long as that can be used.
 *
 * Of several tokens each has hosts of its own, and a call goes to one whose token can do it ({@link KnownTokens}). Calls that
 * different tokens can do wait in different lanes: while a token is away, what only it can do waits for the grace time and is
 * then refused, and all else goes on.
 *
 * A call that a host has not begun when it stops, or that has not left when it is lost, goes back to the queue. Nothing else is
 * ever sent twice.
 */
export class Dispatcher implements Holder {
  readonly #limits: DispatcherLimits
  readonly #uses: FairQueue<HsmCall>
  readonly #changes: FairQueue<HsmCall>
  readonly #wakers = new Wakers()
  readonly #tokens: KnownTokens
  readonly #hosts: UsableHosts
  readonly #outages: Outages
  /** Told of each call that had to wait for its turn: the host that got it, and how long it waited. */
  onTurn: ((host: number, waitedMs: number) => void) | undefined
  #lookedAt = -lookAgainMs
  #disposed = false

  constructor(runDir: string, limits: DispatcherLimits, tokens = 1) {
    this.#limits = limits
    const queue = { most: limits.waiting, mostOfTenant: limits.waitingOfTenant }
    this.#uses = new FairQueue(queue)
    this.#changes = new FairQueue(queue)
    this.#tokens = new KnownTokens(tokens)
    this.#hosts = new UsableHosts(tokens)
    this.#outages = new Outages({
      runDir,
      tokens: this.#tokens,
      hosts: this.#hosts,
      queues: [this.#uses, this.#changes],
      wakers: this.#wakers,
    })
  }

  /** The hosts there are, connected or not. Called once, before anything else. */
  attach(hosts: readonly HostConnection[]): void {
    this.#hosts.attach(hosts)
  }

  /** Calls that wait for their turn, or for a host. */
  get waiting(): number {
    return this.#uses.size + this.#changes.size
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** What the hosts have told of their tokens. */
  get tokens(): KnownTokens {
    return this.#tokens
  }

  /** Of each token its serial number, once it has told, and whether a host of it can be used. */
  tokenStates(): readonly { readonly serial: string | undefined; readonly usable: boolean }[] {
    return Array.from({ length: this.#tokens.count }, (_, index) => ({
      serial: this.#tokens.serialOf(index),
      usable: this.#hosts.of(1 << index).length > 0,
    }))
  }

  /** Settles it at once when there is no place for it. */
  submit(call: HsmCall): void {
    if (this.#disposed) {
      call.settle({ error: disposed() })
      return
    }
    if (!this.#assign(call)) return
    const queue = this.#queueOf(call)
    if (queue.sizeOf(call.lane) === 0 && this.#send(call)) return
    call.holder = this
    queue.push(call)?.settle({ error: overCapacity() })
    if (this.#hosts.of(call.lane).length === 0) this.#outages.watch()
  }

  abandon(call: HsmCall): Done {
    this.#queueOf(call).delete(call)
    return 'not-started'
  }

  /** For each connection's events. */
  readonly onUp = (): void => {
    this.#hosts.look()
    this.#drain()
    this.#wakers.wake()
  }

  readonly onDown = (): void => {
    this.#outages.begin(this.#hosts.look())
    // what waited for the one that changes the token's objects may go to its successor
    this.onFree()
  }

  /** What a host has told of its token. What waits is put where it now belongs. */
  readonly onToken = (host: HostConnection, state: TokenState): void => {
    if (!this.#tokens.learn(tokenOfHost(host.index, this.#tokens.count), state)) return
    for (const queue of [this.#uses, this.#changes]) {
      for (const call of [...queue].toSorted((a, b) => a.askedAt - b.askedAt)) {
        if (this.#tokens.able(call.need) === (call.lane & this.#tokens.all)) continue
        queue.delete(call)
        if (this.#assign(call)) queue.put(call)
      }
    }
    this.#drain()
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
    if (!this.#assign(call)) return
    this.#queueOf(call).put(call)
    this.#drain()
    if (this.#hosts.of(call.lane).length === 0) this.#outages.watch()
  }

  /** Resolves when a host can be used, the time is over, the signal aborts or this is disposed: whichever is first. */
  async usableWithin(ms: number, signal?: AbortSignal): Promise<void> {
    // it may have happened before we listened
    if (this.#hosts.of(this.#tokens.all).length === 0) await this.#wakers.wait(ms, signal)
  }

  /** Ends what waits with `hsm-unavailable`. */
  dispose(): void {
    this.#disposed = true
    this.#outages.refuseAll(disposed)
    this.#wakers.end()
  }

  #queueOf(call: HsmCall): FairQueue<HsmCall> {
    return call.changesKeys ? this.#changes : this.#uses
  }

  /** Says who can do it. False when it is known that no token can: it was settled then. */
  #assign(call: HsmCall): boolean {
    if (this.#tokens.count > 1) {
      call.lane = this.#tokens.able(call.need)
      if (call.lane === 0) {
        call.settle({ error: tokenUnknown() })
        return false
      }
      const { need } = call
      if (need !== undefined && need.of !== 'token' && !this.#tokens.knows(need)) this.#lookAgain()
    }
    if (call.changesToken) call.lane |= this.#hosts.byChangers
    return true
  }

  /** Has the hosts say again which root keys they have: one may have been made elsewhere. */
  #lookAgain(): void {
    const now = performance.now()
    if (now - this.#lookedAt < lookAgainMs) return
    this.#lookedAt = now
    for (const host of this.#hosts.all) if (host.usable) void host.askToken()
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

  #hostFor({ changesKeys, blob, lane }: HsmCall): HostConnection | undefined {
    const { window, changing } = this.#limits
    const usable = this.#hosts.of(lane)
    if (changesKeys)
      return route(
        usable.filter(host => host.changing < changing && !host.full),
        blob,
      )
    let places = false
    let full = false
    for (const host of usable) {
      if (host.full) full = true
      else if (host.load - host.changing < window) places = true
    }
    if (!places) return undefined
    // one with no place may still get it when it has the key and is hardly busier: see route
    return route(full ? usable.filter(host => !host.full) : usable, blob)
  }

  #drain(): void {
    for (const queue of [this.#uses, this.#changes]) this.#drainQueue(queue)
  }

  #drainQueue(queue: FairQueue<HsmCall>): void {
    const hasPlace = queue === this.#changes ? this.#placeForChange : this.#placeForUse
    for (let call = queue.shift(hasPlace); call !== undefined; call = queue.shift(hasPlace)) {
      this.#send(call)
      if (call.holder instanceof HostConnection) this.onTurn?.(call.holder.index, call.sentAt - call.askedAt)
    }
  }

  readonly #placeForUse = (tokens: TokenSet): boolean =>
    this.#hosts.of(tokens).some(host => !host.full && host.load - host.changing < this.#limits.window)

  readonly #placeForChange = (tokens: TokenSet): boolean =>
    this.#hosts.of(tokens).some(host => !host.full && host.changing < this.#limits.changing)
}

function tokenUnknown(): WarderError {
  return new WarderError('hsm-key-missing', 'The token that has this key is none of those the appliance uses now', {
    facts: { outcome: 'not-started' },
  })
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
