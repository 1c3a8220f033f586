import { expect } from 'chai'
import type { Worker } from 'node:worker_threads'
import { WarderError } from '@warder/contract'
import { ensurePrivateFile } from '../src/file.ts'
import { WriteQueue, type QueueLimits } from '../src/write-queue.ts'
import { plainWrite } from '../src/write.ts'
import { startWriter } from '../src/writer-thread.ts'
import { limits, op, record, refusal } from './store.ts'
import { withScratch } from './scratch.ts'

const put = (id: string, size = 3) => [
  plainWrite({ put: record(id, { body: new Uint8Array(size) }), expect: 'absent' }),
]

describe('the write queue', () => {
  const withQueue = (
    use: (queue: WriteQueue, worker: Worker, failures: WarderError[]) => Promise<void>,
    special: Partial<QueueLimits> = {},
  ) =>
    withScratch(async path => {
      ensurePrivateFile(path)
      const failures: WarderError[] = []
      const worker = await startWriter({ path }, op.signal)
      const queue = new WriteQueue(worker, { ...limits, ...special }, error => failures.push(error))
      try {
        await use(queue, worker, failures)
      } finally {
        await queue.close()
      }
    })

  it('puts 64 concurrent writes into far fewer commits', () =>
    withQueue(async queue => {
      await Promise.all(Array.from({ length: 64 }, (_, n) => queue.submit(put(`a-${n}`), op.signal)))
      expect(queue.commits).to.equal(1)
      const lane = async (n: number) => {
        for (let turn = 0; turn < 20; turn++) await queue.submit(put(`b-${n}-${turn}`), op.signal)
      }
      await Promise.all(Array.from({ length: 64 }, (_, n) => lane(n)))
      expect(queue.commits).to.be.lessThan(200)
    }))

  it('refuses what it has no room for, and takes it when there is room again', () =>
    withQueue(
      async queue => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 20 }, (_, n) => queue.submit(put(`a-${n}`), op.signal)),
        )
        const refused = outcomes.filter(outcome => outcome.status === 'rejected')
        expect(refused).to.have.length(10)
        for (const { reason } of refused) expect(WarderError.is(reason, 'over-capacity')).to.equal(true)
        await queue.submit(put('later'), op.signal)
      },
      { items: 10 },
    ))

  it('bounds the bytes that wait, and still takes one item larger than the bound', () =>
    withQueue(
      async queue => {
        await queue.submit(put('larger', 200_000), op.signal)
        const first = queue.submit(put('a', 90_000), op.signal)
        expect((await refusal(queue.submit(put('b', 90_000), op.signal))).code).to.equal('over-capacity')
        await first
        await queue.submit(put('b', 90_000), op.signal)
      },
      { bytes: 100_000 },
    ))

  it('splits a burst into groups of bounded size', () =>
    withQueue(
      async queue => {
        await Promise.all(Array.from({ length: 10 }, (_, n) => queue.submit(put(`a-${n}`), op.signal)))
        expect(queue.commits).to.equal(3)
        await Promise.all(Array.from({ length: 4 }, (_, n) => queue.submit(put(`b-${n}`, 60_000), op.signal)))
        expect(queue.commits).to.equal(7)
      },
      { groupItems: 4, groupBytes: 100_000 },
    ))

  it('rejects what is under way and what waits when the thread dies, and everything after', () =>
    withQueue(
      async (queue, worker, failures) => {
        const calls = Array.from({ length: 50 }, (_, n) =>
          refusalOrDone(queue.submit(put(`a-${n}`, 50_000), op.signal)),
        )
        await worker.terminate()
        const outcomes = await Promise.all(calls)
        expect(outcomes).to.include('storage-unavailable')
        expect(new Set([...outcomes, 'done', 'storage-unavailable']).size).to.equal(2)
        expect((await refusal(queue.submit(put('late'), op.signal))).code).to.equal('storage-unavailable')
        expect(failures).to.have.length(1)
        expect(queue.failure?.code).to.equal('storage-unavailable')
      },
      { groupItems: 5 },
    ))

  it('listens to a signal once, however many wait for it', () =>
    withQueue(async queue => {
      const warnings: Error[] = []
      const listen = (warning: Error) => warnings.push(warning)
      process.on('warning', listen)
      const { signal } = new AbortController()
      await Promise.all(Array.from({ length: 64 }, (_, n) => queue.submit(put(`a-${n}`), signal)))
      await new Promise(setImmediate)
      process.off('warning', listen)
      expect(warnings).to.deep.equal([])
    }))
})

async function refusalOrDone(call: Promise<void>): Promise<unknown> {
  try {
    await call
    return 'done'
  } catch (error) {
    return WarderError.is(error) ? error.code : error
  }
}
