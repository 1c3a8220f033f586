import assert from 'node:assert/strict'
import { WarderError, type Op, type Store, type WarderCode } from '@warder/contract'
import type { Fault } from '../faults/fault.ts'
import type { FaultProxy } from '../faults/fault-proxy.ts'
import { op, record, type Bench } from './bench.ts'
import type { NetworkPlace } from './subject.ts'

/** How a call ended: what it resolved with, or the code it was refused with. */
export type Outcome<T> = { readonly done: T } | { readonly refused: WarderCode }

/** A store whose network is at the test's mercy. */
export interface Exposed<Config> {
  readonly store: Store
  readonly network: FaultProxy
  readonly place: NetworkPlace<Config>
}

/** What the cases of a faulty network are written with. */
export class NetworkBench<Config> {
  readonly bench: Bench<Config>
  readonly #place: () => Promise<NetworkPlace<Config>>
  readonly #patience: number

  constructor(bench: Bench<Config>, place: () => Promise<NetworkPlace<Config>>) {
    this.bench = bench
    this.#place = place
    this.#patience = bench.subject.patience ?? 8000
  }

  async withPlace(use: (place: NetworkPlace<Config>) => Promise<void>): Promise<void> {
    const place = await this.#place()
    try {
      await use(place)
    } finally {
      await place.remove()
    }
  }

  /** Lends a store that has been used, so that it has the connections it keeps, and holds `kept` in `things`. */
  async withStore(use: (exposed: Exposed<Config>) => Promise<void>): Promise<void> {
    await this.withPlace(place =>
      this.bench.withStore(place, async store => {
        const { network } = place
        await store.put(kept, 'absent', op)
        await store.get('things', kept.id, op)
        try {
          await use({ store, network, place })
        } finally {
          // a store that waits for the network would never close
          network.heal()
        }
      }),
    )
  }

  /** Fails when it goes on for longer than the subject may take. */
  async ends<T>(work: PromiseLike<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const never = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new assert.AssertionError({ message: `${what} does not end` })), this.#patience)
    })
    try {
      return await Promise.race([work, never])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Fails when the call does not end, or ends with something else than a `WarderError`. */
  async outcomeOf<T>(call: Promise<T>, what: string): Promise<Outcome<T>> {
    try {
      return { done: await this.ends(call, what) }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      assert.ok(WarderError.is(error), `${what} must be refused with a WarderError, got ${String(error)}`)
      return { refused: error.code }
    }
  }

  async assertDone<T>(call: Promise<T>, what: string): Promise<T> {
    const outcome = await this.outcomeOf(call, what)
    if ('done' in outcome) return outcome.done
    return assert.fail(`${what} was refused with ${outcome.refused}`)
  }

  /** Ends while the network is as it is, with `storage-unavailable` and nothing else. */
  async assertUnavailable(call: Promise<unknown>, what: string): Promise<void> {
    const outcome = await this.outcomeOf(call, what)
    assert.deepEqual(outcome, { refused: 'storage-unavailable' }, `${what} must reject with storage-unavailable`)
  }

  /** Makes a call and applies the fault when it has been sent and not answered. How it ends is in `running`. */
  async hitMidCall<T>(
    network: FaultProxy,
    call: () => Promise<T>,
    fault: Fault,
  ): Promise<{ readonly running: Promise<T> }> {
    network.apply({ kind: 'stall' })
    const before = network.seen.received['to-server']
    const running = call()
    running.catch(() => {})
    const sent = network.until(({ received }) => received['to-server'] > before)
    await this.ends(sent, 'waiting for a call to be sent')
    network.apply(fault)
    return { running }
  }

  /** Repeats a call on a sound network until it succeeds: a store may need a moment to notice that all is well again. */
  async recovers<T>(call: () => Promise<T>, what: string): Promise<T> {
    const deadline = performance.now() + this.#patience
    for (;;) {
      const outcome = await this.outcomeOf(call(), what)
      if ('done' in outcome) return outcome.done
      assert.equal(outcome.refused, 'storage-unavailable', `${what} after the network was healed`)
      assert.ok(performance.now() < deadline, `${what} still fails when the network is well again`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
}

export const kept = record('kept', { attributes: { state: 'kept' } })

/** Every call that asks the network for something, under a name; none of them fails on a sound network. */
export function callsOf(store: Store): readonly (readonly [name: string, call: (op: Op) => Promise<unknown>])[] {
  const batch = store.batch?.bind(store)
  return [
    ['get', given => store.get('things', 'kept', given)],
    ['get of nothing', given => store.get('things', 'nobody', given)],
    ['query', given => store.query('things', { limit: 10 }, given)],
    ['query by attribute', given => store.query('things', { limit: 10, where: { state: 'gone' } }, given)],
    ['put', given => store.put(record('put'), 'absent', given)],
    ['delete', given => store.delete('things', 'kept', 1, given)],
    ...(batch ? [['batch', (given: Op) => batch([{ put: record('batched'), expect: 'absent' }], given)] as const] : []),
  ]
}
