import { expect } from 'chai'
import { watchEventLoop } from '../../src/metrics/event-loop.ts'

describe('the event loop', () => {
  it('is seen to be late', async () => {
    const delay = watchEventLoop()
    try {
      const began = performance.now()
      // A sample is taken when the loop comes round again, so it is let round until one was.
      while (delay.maxMs() < 40 && performance.now() - began < 5000) {
        await new Promise(resolve => setTimeout(resolve, 15))
        const until = performance.now() + 60
        while (performance.now() < until);
        await new Promise(resolve => setTimeout(resolve, 15))
      }
      expect(delay.maxMs()).to.be.within(40, 5000)
      expect(delay.p99Ms()).to.be.within(0, delay.maxMs())
    } finally {
      await delay[Symbol.asyncDispose]()
    }
  })
})
