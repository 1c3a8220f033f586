import { expect } from 'chai'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { op, record, withStore } from './store.ts'
import { withScratch } from './scratch.ts'

describe('the event loop of the process that holds a filesystem store', () => {
  it('is not held up by 1,000 durable writes, and reads stay fast meanwhile', () =>
    withScratch(directory =>
      withStore(directory, async store => {
        await store.put(record('read', { body: new Uint8Array(2000) }), 'absent', op)
        const delay = monitorEventLoopDelay({ resolution: 1 })
        const reads: number[] = []
        let writing = true
        const reader = async () => {
          while (writing) {
            const began = performance.now()
            await store.get('things', 'read', op)
            reads.push(performance.now() - began)
            await new Promise(setImmediate)
          }
        }
        let next = 0
        const lane = async () => {
          while (next < 1000) await store.put(record(`w-${next++}`, { body: new Uint8Array(1000) }), 'absent', op)
        }
        delay.enable()
        const reading = reader()
        await Promise.all(Array.from({ length: 16 }, lane))
        writing = false
        await reading
        delay.disable()
        const sorted = reads.sort((left, right) => left - right)
        // milliseconds; the writes above wait for the disk for a second or more in all
        expect(delay.percentile(99) / 1e6, '99th percentile of the delay').to.be.lessThan(50)
        expect(sorted[Math.floor(sorted.length / 2)], 'median read').to.be.lessThan(20)
      }),
    ))
})
