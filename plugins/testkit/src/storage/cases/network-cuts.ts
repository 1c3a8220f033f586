import assert from 'node:assert/strict'
import type { Op } from '@warder/contract'
import { quietHost } from '../../host.ts'
import type { CaseTable } from '../../conformance-case.ts'
import { assertStored, idsOf, op, record } from '../bench.ts'
import { callsOf, kept, type NetworkBench } from '../network-bench.ts'

/** Lost connections: what is not known is never told as known, and the store comes back by itself. */
export function networkCutCases<Config>(bench: NetworkBench<Config>): CaseTable {
  const { plugin } = bench.bench.subject
  return {
    'a call that the network cuts rejects with storage-unavailable: never absent, never done': () =>
      bench.withStore(async ({ store, network }) => {
        for (const [name, call] of callsOf(store)) {
          await bench.recovers(() => store.get('things', 'nobody', op), 'get')
          const { running } = await bench.hitMidCall(network, () => call(op), { kind: 'cut' })
          await bench.assertUnavailable(running, `${name}, cut on its way,`)
          await bench.assertUnavailable(call(op), `${name} while there is no network`)
          network.heal()
        }
      }),

    'a call whose answer is lost rejects with storage-unavailable, or with what was read by asking again': () =>
      bench.withStore(async ({ store, network }) => {
        for (let round = 0; round < 4; round++) {
          network.apply({ kind: 'drop-answers', times: 1 })
          const got = await bench.outcomeOf(store.get('things', 'kept', op), 'get')
          if ('done' in got) assertStored(got.done, kept)
          else assert.equal(got.refused, 'storage-unavailable')
          network.apply({ kind: 'drop-answers', times: 1 })
          const page = await bench.outcomeOf(store.query('things', { limit: 10 }, op), 'query')
          if ('done' in page) assertStored(page.done.records[0], kept)
          else assert.equal(page.refused, 'storage-unavailable')
        }
      }),

    'half an answer is no answer, wherever it is cut': () =>
      bench.withStore(async ({ store, network }) => {
        for (let bytes = 0; bytes <= 256; bytes = bytes < 16 ? bytes + 1 : bytes * 2) {
          network.apply({ kind: 'cut-after', direction: 'to-client', bytes, times: 1 })
          const got = await bench.outcomeOf(store.get('things', 'kept', op), `get, cut after ${bytes} bytes,`)
          if ('done' in got) assertStored(got.done, kept)
          else assert.equal(got.refused, 'storage-unavailable')
          network.apply({ kind: 'cut-after', direction: 'to-client', bytes, times: 1 })
          const page = await bench.outcomeOf(
            store.query('things', { limit: 10 }, op),
            `query, cut after ${bytes} bytes,`,
          )
          if ('done' in page) assertStored(page.done.records[0], kept)
          else assert.equal(page.refused, 'storage-unavailable')
          network.heal()
          assertStored(await bench.recovers(() => store.get('things', 'kept', op), 'get'), kept)
        }
      }),

    'when the network is well again the same store serves, without being opened anew': () =>
      bench.withStore(async ({ store, network }) => {
        for (let round = 1; round <= 5; round++) {
          network.apply({ kind: 'cut' })
          await bench.assertUnavailable(store.get('things', 'kept', op), 'get while there is no network')
          await bench.assertUnavailable(
            store.put(record(`cut-${round}`), 'absent', op),
            'put while there is no network',
          )
          network.heal()
          assertStored(await bench.recovers(() => store.get('things', 'kept', op), 'get'), kept)
          await store.put(record(`round-${round}`), 'absent', op)
          const wanted = ['kept', ...Array.from({ length: round }, (_, n) => `round-${n + 1}`)]
          assert.deepEqual(await idsOf(store, { limit: 100 }), wanted)
        }
      }),

    'records arrive whole however slowly the bytes come': () =>
      bench.withStore(async ({ store, network }) => {
        for (const [n, bytes] of [1, 2, 7, 4096].entries()) {
          network.apply({ kind: 'dribble', bytes })
          const size = bytes === 4096 ? 65_536 : 100
          const slow = record(`slow-${n}`, { body: new Uint8Array(size).fill(n + 1), attributes: { slow: true } })
          await bench.assertDone(store.put(slow, 'absent', op), 'a slow put')
          assertStored(await bench.assertDone(store.get('things', slow.id, op), 'a slow get'), slow)
          const query = store.query('things', { limit: 1, where: { slow: true } }, op)
          const { records } = await bench.assertDone(query, 'a slow query')
          assert.equal(records[0]?.id, 'slow-0')
        }
      }),

    'health is not ok while there is no network, and ok again after': () =>
      bench.withStore(async ({ store, network }) => {
        assert.equal((await bench.ends(store.health(op), 'health')).ok, true)
        network.apply({ kind: 'cut' })
        const { ok, detail } = await bench.ends(store.health(op), 'health without a network')
        assert.equal(ok, false, `health says "${detail}" without a network`)
        network.heal()
        await bench.recovers(() => store.get('things', 'kept', op), 'get')
        assert.equal((await bench.ends(store.health(op), 'health')).ok, true)
      }),

    'open rejects when there is no network or it stalls, leaves no connection, and opens when it is well': () =>
      bench.withPlace(async place => {
        const { network } = place
        const open = (given: Op) => plugin.open(place.config, quietHost(), given)
        network.apply({ kind: 'cut' })
        await bench.assertUnavailable(open(op), 'open without a network')
        network.apply({ kind: 'stall' })
        const controller = new AbortController()
        const opening = bench.outcomeOf(open({ signal: controller.signal }), 'open in a stall')
        await bench.ends(
          network.until(({ accepted }) => accepted > 0),
          'waiting for open to connect',
        )
        controller.abort()
        const outcome = await opening
        assert.ok('refused' in outcome, 'open in a stall, given up, must reject')
        assert.match(outcome.refused, /^(cancelled|storage-unavailable)$/)
        await bench.ends(
          network.until(seen => seen.open === 0),
          'a connection of an open that rejected',
        )
        network.heal()
        await bench.bench.withStore(place, store => store.put(kept, 'absent', op))
      }),
  }
}
