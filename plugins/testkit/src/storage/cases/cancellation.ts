import assert from 'node:assert/strict'
import { WarderError } from '@warder/contract'
import { quietHost } from '../../host.ts'
import { assertRefused, assertStored, idsOf, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

const promptly = 2000

export function cancellationCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'a call whose signal is already aborted rejects with cancelled and does nothing': () =>
      bench.withFreshStore(async store => {
        const kept = record('kept')
        await store.put(kept, 'absent', op)
        const gone = { signal: AbortSignal.abort() }
        const calls: (() => Promise<unknown>)[] = [
          () => store.get('things', 'kept', gone),
          () => store.put(record('new'), 'absent', gone),
          () => store.put(record('kept', { revision: 2 }), 1, gone),
          () => store.delete('things', 'kept', 1, gone),
          () => store.query('things', { limit: 1 }, gone),
        ]
        const batch = store.batch?.bind(store)
        if (batch) calls.push(() => batch([{ put: record('new'), expect: 'absent' }], gone))
        for (const call of calls) {
          const began = performance.now()
          await assertRefused(call(), 'cancelled')
          assert.ok(performance.now() - began < promptly, 'promptly')
        }
        assertStored(await store.get('things', 'kept', op), kept)
        assert.deepEqual(await idsOf(store, { limit: 10 }), ['kept'])
      }),

    'open with an aborted signal rejects and leaves the place free': () =>
      bench.withPlace(async place => {
        const gone = { signal: AbortSignal.abort() }
        await assertRefused(bench.subject.plugin.open(place.config, quietHost(), gone), 'cancelled')
        await bench.withStore(place, async store => store.put(record('a'), 'absent', op))
      }),

    'of writes cancelled on their way those that resolved are there and the others never will be': () =>
      bench.withPlace(async place => {
        const there: string[] = []
        const absent: string[] = []
        await bench.withStore(place, async store => {
          for (let round = 0; round < 8; round++) {
            const controller = new AbortController()
            const ids = Array.from({ length: 32 }, (_, n) => `r${round}-${n}`)
            const calls = ids.map(id => store.put(record(id), 'absent', { signal: controller.signal }))
            // cancelled at once, after the first answer, and in between
            if (round % 4 === 1) await Promise.race(calls)
            if (round % 4 === 2) await new Promise(setImmediate)
            if (round % 4 === 3) await store.get('things', 'r', op)
            const began = performance.now()
            controller.abort()
            const outcomes = await Promise.allSettled(calls)
            assert.ok(performance.now() - began < promptly, 'promptly')
            for (const [n, outcome] of outcomes.entries()) {
              const id = ids[n] ?? ''
              if (outcome.status === 'fulfilled') there.push(id)
              else {
                assert.ok(WarderError.is(outcome.reason, 'cancelled'), `got ${String(outcome.reason)}`)
                absent.push(id)
              }
            }
          }
          await store.put(record('last'), 'absent', op)
          assert.deepEqual(await idsOf(store, { limit: 100 }), [...there, 'last'].sort())
        })
        await bench.withStore(place, async store => {
          for (const id of there) assert.ok(await store.get('things', id, op), `${id} resolved and is lost`)
          for (const id of absent) assert.equal(await store.get('things', id, op), undefined, `${id} was cancelled`)
        })
      }),

    'cancelling after the answer changes nothing': () =>
      bench.withFreshStore(async store => {
        const controller = new AbortController()
        await store.put(record('a'), 'absent', { signal: controller.signal })
        controller.abort()
        await store.put(record('b'), 'absent', op)
        assertStored(await store.get('things', 'a', op), record('a'))
      }),
  }
}
