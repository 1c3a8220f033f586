import { type TokenState, WarderError } from '@warder/contract'
import { tokenOfHost } from '../config/tokens.ts'
import { type Done, type Holder, HsmCall } from './call.ts'
import { FairQueue } from './fair-queue.ts'
import { HostConnection } from './host-connection.ts'
import { KnownTokens, type TokenSet } from './known-tokens.ts'
import { route } from './routing.ts'
import { type HostStatus, readStatus } from './status.ts'
import { explain, unavailable } from './unavailable.ts'

/** How long calls wait for a host after the last one was lost. From then on they are refused at once. */
const graceMs = 1000
/** The same, while a host is being replaced: it has opened its token before. */
const passingMs = 10_000
/** Between looks at the tokens' root keys, when one is asked for that none is known to have. */
const lookAgainMs = 1000
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

/** Of a token that no host can be used of. */
interface Absence {
  since: number
  patienceMs: number
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
  readonly #runDir: string
  readonly #limits: DispatcherLimits
  readonly #uses: FairQueue<HsmCall>
  readonly #changes: FairQueue<HsmCall>
  readonly #wakers = new Set<() => void>()
  readonly #tokens: KnownTokens
  #hosts: readonly HostConnection[] = []
  /** The hosts that may be given calls: of each set of tokens. */
  #usable: readonly (readonly HostConnection[])[] = []
  /** Of each token the one host that changes its objects, for as long as it can be used. */
  readonly #changers: (HostConnection | undefined)[] = []
  readonly #absences: readonly Absence[]
  /** Told of each call that had to wait for its turn: the host that got it, and how long it waited. */
  onTurn: ((host: number, waitedMs: number) => void) | undefined
  #lookedAt = -lookAgainMs
  #looking = false
  #disposed = false

  constructor(runDir: string, limits: DispatcherLimits, tokens = 1) {
    this.#runDir = runDir
    this.#limits = limits
    const queue = { most: limits.waiting, mostOfTenant: limits.waitingOfTenant }
    this.#uses = new FairQueue(queue)
    this.#changes = new FairQueue(queue)
    this.#tokens = new KnownTokens(tokens)
    this.#absences = Array.from({ length: tokens }, () => ({ since: performance.now(), patienceMs: graceMs }))
    this.#usable = Array.from({ length: 2 << tokens }, () => [])
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

  /** What the hosts have told of their tokens. */
  get tokens(): KnownTokens {
    return this.#tokens
  }

  /** Of each token its serial number, once it has told, and whether a host of it can be used. */
  tokenStates(): readonly { readonly serial: string | undefined; readonly usable: boolean }[] {
    return this.#absences.map((_, index) => ({
      serial: this.#tokens.serialOf(index),
      usable: this.#usableOf(1 << index).length > 0,
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
    if (this.#usableOf(call.lane).length === 0) void this.#whileDown()
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
    const before = this.#usable
    this.#look()
    let lost = false
    this.#absences.forEach((absence, token) => {
      const only = 1 << token
      if (this.#usableOf(only).length > 0 || before[only]!.length === 0) return
      absence.since = performance.now()
      absence.patienceMs = graceMs
      lost = true
    })
    // also when nobody waits yet: a host that is being replaced is told of now, and not when it is ready again
    if (lost) void this.#whileDown()
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
    if (this.#usableOf(call.lane).length === 0) void this.#whileDown()
  }

  /** Resolves when a host can be used, the time is over, the signal aborts or this is disposed: whichever is first. */
  async usableWithin(ms: number, signal?: AbortSignal): Promise<void> {
    // it may have happened before we listened
    if (!this.#anyUsable) await this.#changeWithin(ms, signal)
  }

  /** Resolves when a host has come up, or as above. */
  #changeWithin(ms: number, signal?: AbortSignal): Promise<void> {
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
      if (this.#disposed || signal?.aborted === true) wake()
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
    if (call.changesToken) call.lane |= this.#byChangers
    return true
  }

  /** In a lane, beside the tokens: only of the one host of each that changes its objects. */
  get #byChangers(): number {
    return 1 << this.#tokens.count
  }

  /** Has the hosts say again which root keys they have: one may have been made elsewhere. */
  #lookAgain(): void {
    const now = performance.now()
    if (now - this.#lookedAt < lookAgainMs) return
    this.#lookedAt = now
    for (const host of this.#hosts) if (host.usable) void host.askToken()
  }

  get #anyUsable(): boolean {
    return this.#usableOf(this.#tokens.all).length > 0
  }

  #usableOf(tokens: TokenSet): readonly HostConnection[] {
    return this.#usable[tokens]!
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
    const usable = this.#usableOf(lane)
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
    this.#usableOf(tokens).some(host => !host.full && host.load - host.changing < this.#limits.window)

  readonly #placeForChange = (tokens: TokenSet): boolean =>
    this.#usableOf(tokens).some(host => !host.full && host.changing < this.#limits.changing)

  #look(): void {
    const usable = this.#hosts.filter(host => host.usable)
    const { count } = this.#tokens
    const tokenOf = (host: HostConnection): number => tokenOfHost(host.index, count)
    for (let token = 0; token < count; token++) {
      if (this.#changers[token]?.usable === true) continue
      this.#changers[token] = usable.find(host => tokenOf(host) === token)
    }
    this.#usable = this.#usable.map((_, lane) => {
      const of = usable.filter(host => (lane & (1 << tokenOf(host))) !== 0)
      return (lane & this.#byChangers) === 0 ? of : of.filter(host => this.#changers[tokenOf(host)] === host)
    })
  }

  /** Whether something waits for these tokens, and none of them can be used. */
  #isStuck(tokens: TokenSet): boolean {
    return this.#usableOf(tokens).length === 0 && this.#uses.sizeOf(tokens) + this.#changes.sizeOf(tokens) > 0
  }

  /** While a token has no host: refuses what waits for it as soon as an operator is needed, or the grace is over. */
  async #whileDown(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const sets = this.#usable.map((_, tokens) => tokens)
    try {
      do {
        const status = await readStatus(this.#runDir)
        let soonest = statusMs
        this.#absences.forEach((absence, token) => {
          if (explain(status, isOf(1 << token)).passing) absence.patienceMs = passingMs
        })
        for (const tokens of sets.filter(each => this.#isStuck(each))) {
          const why = explain(status, isOf(tokens))
          const left = this.#endOfPatience(tokens) - performance.now()
          if (why.final || left <= 0) this.#refuse(tokens, () => unavailable(why, this.#nameOf(tokens)))
          else soonest = Math.min(soonest, left)
        }
        if (sets.some(tokens => this.#isStuck(tokens))) await this.#changeWithin(soonest)
      } while (sets.some(tokens => this.#isStuck(tokens)))
    } finally {
      this.#looking = false
    }
  }

  /** When what waits for these tokens has waited long enough. */
  #endOfPatience(tokens: TokenSet): number {
    const ends = this.#absences.map(({ since, patienceMs }, token) =>
      (tokens & (1 << token)) === 0 ? 0 : since + patienceMs,
    )
    return Math.max(...ends)
  }

  /** The serial number of the only one of these, where it is known and there are others. */
  #nameOf(lane: TokenSet): string | undefined {
    const tokens = lane & this.#tokens.all
    if (this.#tokens.count === 1 || (tokens & (tokens - 1)) !== 0) return undefined
    return this.#tokens.serialOf(Math.log2(tokens))
  }

  #refuseAll(why: () => WarderError): void {
    for (let tokens = 0; tokens < this.#usable.length; tokens++) this.#refuse(tokens, why)
  }

  #refuse(tokens: TokenSet, why: () => WarderError): void {
    const these = (lane: number): boolean => lane === tokens
    for (const queue of [this.#uses, this.#changes]) {
      for (let call = queue.shift(these); call !== undefined; call = queue.shift(these)) call.settle({ error: why() })
    }
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
  }
}

/** Hosts of these tokens. */
function isOf(tokens: TokenSet): (host: HostStatus) => boolean {
  return ({ token = 0 }) => (tokens & (1 << token)) !== 0
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
