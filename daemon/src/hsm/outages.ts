import type { WarderError } from '@warder/contract'
import { Absences } from './absences.ts'
import type { HsmCall } from './call.ts'
import type { FairQueue } from './fair-queue.ts'
import type { KnownTokens, TokenSet } from './known-tokens.ts'
import { type HostStatus, readStatus, type SupervisorStatus } from './status.ts'
import { explain, unavailable } from './unavailable.ts'
import type { UsableHosts } from './usable-hosts.ts'
import type { Wakers } from './wakers.ts'

/** How often the status file is read while calls wait for a host: a refusal is told there alone. */
const statusMs = 250

export interface OutageParts {
  /** The supervisor's, where its status file is. */
  readonly runDir: string
  readonly tokens: KnownTokens
  readonly hosts: UsableHosts
  readonly queues: readonly FairQueue<HsmCall>[]
  /** Woken when a host has come up. */
  readonly wakers: Wakers
}

/** What waits for tokens none of whose hosts can be used: for how long it does, and what it is refused with then. */
export class Outages {
  readonly #runDir: string
  readonly #tokens: KnownTokens
  readonly #hosts: UsableHosts
  readonly #queues: readonly FairQueue<HsmCall>[]
  readonly #wakers: Wakers
  readonly #absences: Absences
  #watching = false

  constructor({ runDir, tokens, hosts, queues, wakers }: OutageParts) {
    this.#runDir = runDir
    this.#tokens = tokens
    this.#hosts = hosts
    this.#queues = queues
    this.#wakers = wakers
    this.#absences = new Absences(tokens.count)
  }

  /** These tokens have just lost their last host. */
  begin(tokens: readonly number[]): void {
    for (const token of tokens) this.#absences.begin(token)
    // also when nobody waits yet: a host that is being replaced is told of now, and not when it is ready again
    if (tokens.length > 0) this.watch()
  }

  /** From now until nothing waits for a host: refuses what does as soon as an operator is needed, or the grace is over. */
  watch(): void {
    if (!this.#watching) void this.#watch()
  }

  /** Ends all that waits. */
  refuseAll(why: () => WarderError): void {
    for (const lane of this.#hosts.lanes) this.#refuse(lane, why)
  }

  async #watch(): Promise<void> {
    this.#watching = true
    try {
      do {
        const soonest = this.#refuseWhatHasWaited(await readStatus(this.#runDir))
        if (this.#stuck().length > 0) await this.#wakers.wait(soonest)
      } while (this.#stuck().length > 0)
    } finally {
      this.#watching = false
    }
  }

  /** Answers in how many milliseconds it is to be done again. */
  #refuseWhatHasWaited(status: SupervisorStatus | undefined): number {
    let soonest = statusMs
    for (let token = 0; token < this.#tokens.count; token++) {
      if (explain(status, isOf(1 << token)).passing) this.#absences.willPass(token)
    }
    for (const lane of this.#stuck()) {
      const why = explain(status, isOf(lane))
      const left = this.#absences.endOfPatience(lane) - performance.now()
      if (why.final || left <= 0) this.#refuse(lane, () => unavailable(why, this.#nameOf(lane)))
      else soonest = Math.min(soonest, left)
    }
    return soonest
  }

  /** The lanes in which something waits, and none of whose hosts can be used. */
  #stuck(): readonly number[] {
    return this.#hosts.lanes.filter(
      lane => this.#hosts.of(lane).length === 0 && this.#queues.some(queue => queue.sizeOf(lane) > 0),
    )
  }

  /** The serial number of the only token of these, where it is known and there are others. */
  #nameOf(lane: number): string | undefined {
    const tokens = lane & this.#tokens.all
    if (this.#tokens.count === 1 || (tokens & (tokens - 1)) !== 0) return undefined
    return this.#tokens.serialOf(Math.log2(tokens))
  }

  #refuse(lane: number, why: () => WarderError): void {
    const same = (other: number): boolean => other === lane
    for (const queue of this.#queues) {
      for (let call = queue.shift(same); call !== undefined; call = queue.shift(same)) call.settle({ error: why() })
    }
  }
}

/** Hosts of these tokens. */
function isOf(tokens: TokenSet): (host: HostStatus) => boolean {
  return ({ token = 0 }) => (tokens & (1 << token)) !== 0
}
