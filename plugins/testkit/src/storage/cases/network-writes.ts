import assert from 'node:assert/strict'
import type { Store, StoredRecord } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import type { Fault } from '../../faults/fault.ts'
import type { FaultProxy } from '../../faults/fault-proxy.ts'
import { assertStored, op, record } from '../bench.ts'
import { kept, type NetworkBench, type Outcome } from '../network-bench.ts'

const writers = 8
const incrementsEach = 12

/** Writes whose outcome the network hides: whole or not at all, and reading tells which. */
export function networkWriteCases<Config>(bench: NetworkBench<Config>): CaseTable {
  return {
    'a write whose answer is lost is storage-unavailable; reading tells whether it was made, and to go on from there':
      () =>
        bench.withStore(async ({ store, network }) => {
          for (let round = 0; round < 4; round++) {
            const first = record(`lost-${round}`, { attributes: { lost: true } })
            const second = record(first.id, { revision: 2, body: new Uint8Array(5000).fill(round) })
            network.apply({ kind: 'drop-answers', times: 1 })
            await settles(bench, store, first.id, undefined, first, () => store.put(first, 'absent', op))
            network.apply({ kind: 'drop-answers', times: 1 })
            await settles(bench, store, first.id, first, second, () => store.put(second, 1, op))
            network.apply({ kind: 'drop-answers', times: 1 })
            await settles(bench, store, first.id, second, undefined, () => store.delete('things', first.id, 2, op))
          }
          await batchSettles(bench, store, network)
          assertStored(await bench.recovers(() => store.get('things', 'kept', op), 'get'), kept)
        }),

    'half a request is no write, wherever it is cut': () =>
      bench.withStore(async ({ store, network }) => {
        let revision = 1
        for (let bytes = 0; bytes <= 8192; bytes = bytes < 16 ? bytes + 1 : bytes * 2) {
          const before = record('kept', { ...kept, ...(revision > 1 && numbered(revision)) })
          const after = record('kept', { ...kept, ...numbered(revision + 1) })
          network.apply({ kind: 'cut-after', direction: 'to-server', bytes, times: 1 })
          await settles(bench, store, 'kept', before, after, () => store.put(after, revision, op))
          network.heal()
          revision += 1
        }
      }),

    [`${writers} writers through random cuts lose no increment and make none twice`]: () =>
      bench.withStore(async ({ store, network }) => {
        const failed = new AbortController()
        const writing = Array.from({ length: writers }, (_, writer) =>
          incrementAll(bench, store, writer, failed.signal).catch((error: unknown) => failed.abort(error)),
        )
        await breakAtRandom(network, Promise.all(writing))
        await Promise.all(writing)
        failed.signal.throwIfAborted()
        assert.ok(network.seen.cut > 0, 'the network was cut while they wrote')
        const found = await bench.recovers(() => store.get('things', 'tally', op), 'get')
        const tally = tallyIn(found)
        assert.deepEqual(
          tally,
          Array.from({ length: writers }, () => incrementsEach),
          'each increment was made once',
        )
        assert.equal(found?.revision, writers * incrementsEach, 'and nothing else wrote')
      }),
  }
}

/**
 * Makes a write that may be hit, and fails unless it is made in the end: when it was refused, what is read back must be one
 * of the two whole records (or absent), and a write from there must be taken.
 */
async function settles(
  bench: NetworkBench<unknown>,
  store: Store,
  id: string,
  before: StoredRecord | undefined,
  after: StoredRecord | undefined,
  write: () => Promise<void>,
): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const outcome = await bench.outcomeOf(write(), `the write of ${id}`)
    const found = await bench.recovers(() => store.get('things', id, op), 'get')
    const isMade = found?.revision === after?.revision
    assertStoredOrAbsent(found, isMade ? after : before)
    // one that was given up before may have been made late, and this one is then stale: it is made all the same
    const isLate = attempt > 0 && isMade && 'refused' in outcome && outcome.refused === 'stale-revision'
    if (!isLate) assertUnknown(outcome)
    if (isMade) return
    assert.ok('refused' in outcome, `the write of ${id} resolved and was not made`)
  }
  assert.fail(`the write of ${id} is never made`)
}

function assertUnknown(outcome: Outcome<unknown>): void {
  if ('refused' in outcome) assert.equal(outcome.refused, 'storage-unavailable', 'the code of a write that was cut')
}

function assertStoredOrAbsent(found: StoredRecord | undefined, wanted: StoredRecord | undefined): void {
  if (wanted) assertStored(found, wanted)
  else assert.equal(found, undefined)
}

async function batchSettles(bench: NetworkBench<unknown>, store: Store, network: FaultProxy): Promise<void> {
  const batch = store.batch?.bind(store)
  if (!batch) return
  const ids = Array.from({ length: 20 }, (_, n) => `batched-${n}`)
  network.apply({ kind: 'drop-answers', times: 1 })
  const writes = ids.map(id => ({ put: record(id), expect: 'absent' as const }))
  const outcome = await bench.outcomeOf(batch(writes, op), 'batch')
  assertUnknown(outcome)
  const found: (StoredRecord | undefined)[] = []
  for (const id of ids) found.push(await bench.recovers(() => store.get('things', id, op), 'get'))
  const made = found.filter(one => one !== undefined).length
  assert.ok(
    made === ids.length || (made === 0 && 'refused' in outcome),
    `${made} of the ${ids.length} writes of a batch`,
  )
}

function numbered(revision: number): Partial<StoredRecord> {
  return { revision, attributes: { revision }, body: new Uint8Array(3000).fill(revision) }
}

/**
 * The body of the record counts each writer's increments, so that reading it tells a writer whether its last one was made,
 * whatever became of the answer, and also when it was made late.
 */
async function incrementAll(
  bench: NetworkBench<unknown>,
  store: Store,
  writer: number,
  failed: AbortSignal,
): Promise<void> {
  let acknowledged = 0
  let wanted = 1
  while (wanted <= incrementsEach && !failed.aborted) {
    const read = await bench.outcomeOf(store.get('things', 'tally', op), 'get')
    if ('refused' in read) {
      assert.equal(read.refused, 'storage-unavailable')
      // a refusal may come at once, again and again: the network must get its turn
      await new Promise(setImmediate)
      continue
    }
    const tally = tallyIn(read.done)
    const own = tally[writer] ?? 0
    assert.ok(own >= acknowledged, `writer ${writer} was told of ${acknowledged} increments, and ${own} were made`)
    if (own >= wanted) {
      wanted = own + 1
      continue
    }
    const next = tally.with(writer, own + 1)
    const expect = read.done?.revision ?? 'absent'
    const revision = (read.done?.revision ?? 0) + 1
    const body = new TextEncoder().encode(JSON.stringify(next))
    const outcome = await bench.outcomeOf(store.put(record('tally', { revision, body }), expect, op), 'put')
    if ('done' in outcome) {
      acknowledged = own + 1
      wanted = acknowledged + 1
    } else assert.match(outcome.refused, /^(stale-revision|storage-unavailable)$/)
  }
}

function tallyIn(found: StoredRecord | undefined): readonly number[] {
  if (!found) return Array.from({ length: writers }, () => 0)
  return JSON.parse(new TextDecoder().decode(found.body)) as number[]
}

/** One fault after another, each after some more bytes have passed, until the work is done. */
async function breakAtRandom(network: FaultProxy, work: Promise<unknown>): Promise<void> {
  for (let n = 0; n < 60; n++) {
    const { delivered, accepted } = network.seen
    const bytes = 1 + Math.floor(Math.random() * 2000)
    const moved = network.until(
      now => now.delivered['to-server'] > delivered['to-server'] + bytes || now.accepted > accepted + 2,
    )
    const isDone = await Promise.race([moved.then(() => false), work.then(() => true)])
    if (isDone) break
    const fault = randomFault(bytes)
    network.apply(fault)
    if (fault.kind === 'cut') network.heal()
  }
  network.heal()
}

function randomFault(bytes: number): Fault {
  const faults: Fault[] = [
    { kind: 'drop-answers', times: 1 },
    { kind: 'cut-after', direction: 'to-server', bytes: bytes % 300, times: 1 },
    { kind: 'cut-after', direction: 'to-client', bytes: bytes % 100, times: 1 },
    { kind: 'cut' },
  ]
  return faults[bytes % faults.length] ?? { kind: 'cut' }
}
