import type { Socket } from 'node:net'
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { decide, type Direction, type Fault } from './fault.ts'
import type { Traffic } from './traffic.ts'

/** How much of one direction of a connection is held before its sender has to wait, in bytes. */
const heldAtMost = 262_144

export interface LaneEnds {
  readonly from: Socket
  readonly to: Socket
  readonly direction: Direction
}

/** What a lane asks of the connection it is part of. */
export interface LaneHost {
  readonly traffic: Traffic
  readonly fault: () => Fault | undefined
  readonly isOver: () => boolean
  /** Resets both ends, for an end is broken. */
  readonly cut: () => void
  /** Resets both ends, for the fault says so. */
  readonly cutByFault: () => void
}

/** One direction of one connection: bytes in order, as the fault of the moment lets them pass. */
export class Lane {
  readonly #ends: LaneEnds
  readonly #host: LaneHost
  readonly #held: Buffer[] = []
  #heldBytes = 0
  #ended = false
  #wake: (() => void) | undefined
  /** The fault that {@link #passed} is counted for. */
  #counted: Fault | undefined
  #passed = 0

  constructor(ends: LaneEnds, host: LaneHost) {
    this.#ends = ends
    this.#host = host
    ends.from.on('data', (bytes: Buffer) => this.#take(bytes))
    ends.from.on('end', () => {
      this.#ended = true
      this.wake()
    })
    void this.#run()
  }

  /** Looks again: the fault has changed, or the connection is over. */
  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  #take(bytes: Buffer): void {
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    if (this.#heldBytes >= heldAtMost) this.#ends.from.pause()
    this.#host.traffic.countBytes('received', this.#ends.direction, bytes.length)
    this.wake()
  }

  async #run(): Promise<void> {
    const { direction, to } = this.#ends
    while (!this.#host.isOver()) {
      const [next] = this.#held
      if (next === undefined && !this.#ended) {
        await this.#woken()
        continue
      }
      const fault = this.#host.fault()
      if (fault !== this.#counted) this.#passed = 0
      this.#counted = fault
      const step = decide(fault, direction, this.#passed, next?.length ?? 0)
      if (step.kind === 'hold') await this.#woken()
      else if (step.kind === 'cut') this.#host.cutByFault()
      else if (next === undefined) {
        to.end()
        return
      } else {
        await this.#pass(next, step.bytes)
        if (step.after === 'cut' && fault === this.#host.fault()) this.#host.cutByFault()
        else if (typeof step.after === 'object') await (step.after.pause > 0 ? delay(step.after.pause) : turn())
      }
    }
    this.#held.length = 0
  }

  /** Resolves when the system has taken the bytes, or the connection is over. */
  async #pass(next: Buffer, count: number): Promise<void> {
    const { from, to, direction } = this.#ends
    if (count === next.length) this.#held.shift()
    else this.#held[0] = next.subarray(count)
    const failure = await new Promise<unknown>(resolve => to.write(next.subarray(0, count), resolve))
    if (failure) {
      this.#host.cut()
      return
    }
    this.#heldBytes -= count
    this.#passed += count
    if (this.#heldBytes < heldAtMost) from.resume()
    this.#host.traffic.countBytes('delivered', direction, count)
  }

  #woken(): Promise<void> {
    return new Promise(resolve => (this.#wake = resolve))
  }
}
