import { tokenOfHost } from '../config/tokens.ts'
import type { HostConnection } from './host-connection.ts'
import type { TokenSet } from './known-tokens.ts'

/**
 * The hosts that may be given calls now, by lane. A lane is a set of tokens, and whether only the one host of each that changes
 * its objects will do: that stays the same for as long as it can be used.
 */
export class UsableHosts {
  readonly #tokens: number
  #hosts: readonly HostConnection[] = []
  #ofLane: readonly (readonly HostConnection[])[]
  readonly #changers: (HostConnection | undefined)[] = []

  constructor(tokens: number) {
    this.#tokens = tokens
    this.#ofLane = Array.from({ length: 2 << tokens }, () => [])
  }

  /** The hosts there are, connected or not. Called once, before anything else. */
  attach(hosts: readonly HostConnection[]): void {
    this.#hosts = hosts
  }

  get all(): readonly HostConnection[] {
    return this.#hosts
  }

  get lanes(): readonly number[] {
    return [...this.#ofLane.keys()]
  }

  of(lane: TokenSet): readonly HostConnection[] {
    return this.#ofLane[lane]!
  }

  /** In a lane, beside the tokens: only of the one host of each that changes its objects. */
  get byChangers(): number {
    return 1 << this.#tokens
  }

  /** Looks anew which can be used. Answers the tokens that have lost their last one. */
  look(): readonly number[] {
    const before = this.#ofLane
    const usable = this.#hosts.filter(host => host.usable)
    const tokenOf = (host: HostConnection): number => tokenOfHost(host.index, this.#tokens)
    for (let token = 0; token < this.#tokens; token++) {
      if (this.#changers[token]?.usable === true) continue
      this.#changers[token] = usable.find(host => tokenOf(host) === token)
    }
    this.#ofLane = before.map((_, lane) => {
      const of = usable.filter(host => (lane & (1 << tokenOf(host))) !== 0)
      return (lane & this.byChangers) === 0 ? of : of.filter(host => this.#changers[tokenOf(host)] === host)
    })
    const lost = (token: number): boolean => this.of(1 << token).length === 0 && before[1 << token]!.length > 0
    return Array.from({ length: this.#tokens }, (_, token) => token).filter(lost)
  }
}
