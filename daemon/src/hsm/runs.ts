import type { KeyRef } from '@warder/contract'
import { sameRef } from './same-ref.ts'

/**
 * A *run*: calls that left within one turn of the event loop and do the same with the same key, in one frame. What they
 * share is said, and checked, once. Nothing else is shared: each call of a run has its id, its deadline, its outcome and its
 * answer, is cancelled alone, and fails alone.
 */
export interface Run {
  readonly op: string
  readonly ref: unknown
  /** What the calls have in common beside the key: an algorithm, or nothing. */
  readonly common: unknown
  readonly items: readonly RunItem[]
}

/** Of one call: its id, its deadline as in a request, and from the third place on what is its own. */
export type RunItem = readonly [id: number, deadline: number, ...values: unknown[]]

/** The place of the first of an item's own values. */
export const firstValue = 2

/** How the calls of one command go in runs. */
export interface RunForm<Args> {
  common(args: Args): string | null
  /** What is a call's own, in the order of its places. */
  values(args: Args): readonly Uint8Array[]
  /** Host side. @throws WarderError `malformed-request` naming what is wrong, never its value. */
  args(ref: KeyRef, common: unknown, item: RunItem): Args
}

/**
 * Most calls of one run, and bytes of what they bring with them. The bound keeps a run, and the answers to it, well within
 * a frame; more calls of a turn are more runs.
 */
export const maxRun = 32
export const maxRunBytes = 256 * 1024

/** How many runs of a turn are looked at for one that a call fits in: those that were begun last. */
const remembered = 8

interface Member {
  readonly id: number
  readonly sentAt: number
  timeLeft(now: number): number
}

/** One run before it is sent: its calls, and what is each one's own. */
export interface Collected<Call> {
  readonly op: string
  readonly ref: KeyRef
  readonly common: string | null
  readonly calls: Map<number, readonly [call: Call, values: readonly Uint8Array[]]>
  bytes: number
}

/** What was put within one turn, as the runs it makes. */
export class RunCollector<Call extends Member> {
  #open: Collected<Call>[] = []

  get empty(): boolean {
    return this.#open.length === 0
  }

  put(call: Call, op: string, ref: KeyRef, common: string | null, values: readonly Uint8Array[]): void {
    let bytes = 0
    for (const value of values) bytes += value.length
    let run = this.#fitting(op, ref, common, bytes)
    if (run === undefined) {
      run = { op, ref, common, calls: new Map(), bytes: 0 }
      this.#open.push(run)
    }
    run.bytes += bytes
    run.calls.set(call.id, [call, values])
  }

  /** Takes a call out. False when it is not here (any more). */
  delete({ id }: Call): boolean {
    return this.#open.some(run => run.calls.delete(id))
  }

  /** Takes all of them out, in the order they were begun in. */
  take(): readonly Collected<Call>[] {
    const taken = this.#open.filter(run => run.calls.size > 0)
    this.#open = []
    return taken
  }

  #fitting(op: string, ref: KeyRef, common: string | null, bytes: number): Collected<Call> | undefined {
    const last = this.#open.length - 1
    for (let at = last; at >= 0 && at > last - remembered; at--) {
      const run = this.#open[at]!
      if (run.op !== op || run.common !== common || run.calls.size >= maxRun || run.bytes + bytes > maxRunBytes)
        continue
      if (sameRef(run.ref, ref)) return run
    }
    return undefined
  }
}

/** As it crosses: see protocol.ts. */
export function wireRun({ op, ref, common, calls }: Collected<Member>): readonly unknown[] {
  const items: unknown[] = []
  for (const [call, values] of calls.values()) items.push([call.id, call.timeLeft(call.sentAt), ...values])
  return [op, ref, common, items]
}
