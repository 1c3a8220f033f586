import { expect } from 'chai'
import { watchLoop } from './support/loop-delay.ts'

describe('the measure of event loop delay used in these drills', () => {
  for (const [what, block] of Object.entries({
    computing: (): void => {
      const end = process.cpuUsage().user + 90_000
      while (process.cpuUsage().user < end);
    },
    'a blocking call': (): void => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 90)
    },
  })) {
    it(`sees ${what} that holds the loop for 90 ms`, async () => {
      const stop = watchLoop()
      await new Promise(resolve => setTimeout(resolve, 20))
      block()
      await new Promise(resolve => setTimeout(resolve, 20))
      const { wallMs, heldMs } = stop()
      expect(heldMs).to.be.above(60)
      expect(wallMs).to.be.at.least(heldMs)
    })
  }
})
