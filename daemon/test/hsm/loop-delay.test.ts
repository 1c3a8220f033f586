import { expect } from 'chai'
import { watchLoop } from './support/loop-delay.ts'

describe('the measure of event loop delay used in these drills', () => {
  it('sees computing that holds the loop for 90 ms', async () => {
    const stop = watchLoop()
    await new Promise(resolve => setTimeout(resolve, 20))
    const end = process.cpuUsage().user + 90_000
    while (process.cpuUsage().user < end);
    await new Promise(resolve => setTimeout(resolve, 20))
    const { wallMs, busyMs } = stop()
    expect(busyMs).to.be.above(60)
    expect(wallMs).to.be.above(60)
  })
})
