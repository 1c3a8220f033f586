import assert from 'node:assert/strict'
import type { Op } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import type { FaultProxy } from '../../faults/fault-proxy.ts'
import { assertStored, op, record } from '../bench.ts'
import { callsOf, kept, type NetworkBench } from '../network-bench.ts'

const givenUp = 64
/** More than any pool should need, and less than one for each call given up. */
const mostConnections = 32

/** A network that takes bytes and gives nothing back: calls end with their signal, and leave nothing behind. */
export function networkStallCases<Config>(bench: NetworkBench<Config>): CaseTable {
  return {
    'a call in a stall ends with its signal, and later answers go to those who asked': () =>
      bench.withStore(async ({ store, network }) => {
        const other = record('other', { body: new Uint8Array(100).fill(7) })
        await store.put(other, 'absent', op)
        for (const [name, call] of callsOf(store)) {
          network.apply({ kind: 'stall' })
          const outcome = await giveUp(bench, network, given => bench.outcomeOf(call(given), `${name} in a stall`))
          assert.ok('refused' in outcome, `${name} in a stall resolved`)
          assert.match(outcome.refused, /^(cancelled|storage-unavailable)$/, name)
          network.heal()
          assertStored(await bench.recovers(() => store.get('things', 'other', op), 'get'), other)
          assert.equal(await bench.recovers(() => store.get('things', 'nobody', op), 'get'), undefined)
        }
      }),

    'a write that said cancelled in a stall is never made': () =>
      bench.withStore(async ({ store, network }) => {
        for (let round = 0; round < 2; round++) {
          const id = `stalled-${round}`
          // requests get through, so that the write may have been made when it is given up
          network.apply({ kind: 'stall', direction: 'to-client' })
          const before = network.seen.received['to-client']
          const controller = new AbortController()
          const writing = bench.outcomeOf(
            store.put(record(id), 'absent', { signal: controller.signal }),
            'put in a stall',
          )
          await bench.ends(
            network.until(({ received }) => received['to-client'] > before),
            'waiting for the server to answer',
          )
          controller.abort()
          const outcome = await writing
          assert.ok('refused' in outcome, 'a put in a stall resolved without an answer')
          assert.match(outcome.refused, /^(cancelled|storage-unavailable)$/)
          network.heal()
          const found = await bench.recovers(() => store.get('things', id, op), 'get')
          if (outcome.refused === 'cancelled') assert.equal(found, undefined, `${id} was cancelled and is there`)
          if (found) assertStored(found, record(id))
        }
      }),

    [`${givenUp} calls given up in a stall leave no connections behind and take no one's place`]: () =>
      bench.withStore(async ({ store, network }) => {
        for (let round = 0; round < 2; round++) {
          network.apply({ kind: 'stall' })
          const outcomes = await giveUp(bench, network, given =>
            Promise.all(
              Array.from({ length: givenUp }, (_, n) =>
                bench.outcomeOf<unknown>(
                  n % 2 === 0
                    ? store.get('things', 'kept', given)
                    : store.put(record(`late-${round}-${n}`), 'absent', given),
                  'a call',
                ),
              ),
            ),
          )
          for (const outcome of outcomes) assert.ok('refused' in outcome, 'a call in a stall resolved')
          network.heal()
          assertStored(await bench.recovers(() => store.get('things', 'kept', op), 'get'), kept)
        }
        await bench.ends(
          network.until(({ open }) => open <= mostConnections),
          `having more than ${mostConnections} connections after ${givenUp} calls were given up`,
        )
        const calls = Array.from({ length: givenUp }, () => bench.outcomeOf(store.get('things', 'kept', op), 'get'))
        for (const outcome of await Promise.all(calls))
          assert.ok('done' in outcome, 'a call after the stall was refused')
      }),

    'health in a stall ends with its signal, is not ok, and is ok again after': () =>
      bench.withStore(async ({ store, network }) => {
        network.apply({ kind: 'stall' })
        const { ok, detail } = await giveUp(bench, network, given =>
          bench.ends(store.health(given), 'health in a stall'),
        )
        assert.equal(ok, false, `health says "${detail}" in a stall`)
        network.heal()
        await bench.recovers(() => store.get('things', 'kept', op), 'get')
        assert.equal((await bench.ends(store.health(op), 'health')).ok, true)
      }),

    'closing in a stall ends, and so do the calls under way; no connection stays': () =>
      bench.withStore(async ({ store, network }) => {
        network.apply({ kind: 'stall' })
        const before = network.seen.received['to-server']
        const reading = bench.outcomeOf(store.get('things', 'kept', op), 'get in a stall')
        const writing = bench.outcomeOf(store.put(record('closed'), 'absent', op), 'put in a stall')
        await bench.ends(
          network.until(({ received }) => received['to-server'] > before),
          'waiting for a call to be sent',
        )
        await bench.ends(store[Symbol.asyncDispose](), 'closing in a stall')
        for (const outcome of await Promise.all([reading, writing])) {
          assert.deepEqual(outcome, { refused: 'storage-unavailable' }, 'a call under way when the store was closed')
        }
        await bench.ends(
          network.until(({ open }) => open === 0),
          'a connection of a store that is closed',
        )
      }),
  }
}

/** Ends the call's signal once the call has been sent, or has ended by itself. */
async function giveUp<T>(
  bench: NetworkBench<unknown>,
  network: FaultProxy,
  call: (given: Op) => Promise<T>,
): Promise<T> {
  const before = network.seen.received['to-server']
  const controller = new AbortController()
  const running = call({ signal: controller.signal })
  const sent = network.until(({ received }) => received['to-server'] > before)
  try {
    await Promise.race([running, bench.ends(sent, 'waiting for a call to be sent')])
  } finally {
    controller.abort()
  }
  return running
}
