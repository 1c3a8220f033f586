import { expect } from 'chai'
import { Histogram, Registry } from 'prom-client'
import { Durations } from '../../src/metrics/durations.ts'

describe('durations', () => {
  const buckets = [0.001, 0.01, 0.1]
  const seconds = [0, 0.0005, 0.001, 0.0011, 0.05, 0.1, 0.2, 30]

  it('are told to the letter as prom-client tells its own histogram', async () => {
    const [ours, theirs] = [new Registry(), new Registry()]
    const both = { name: 'two', help: 'Two labels', buckets }
    const durations = new Durations({ register: ours, labels: ['call', 'outcome'], ...both })
    const histogram = new Histogram({ registers: [theirs], labelNames: ['call', 'outcome'], ...both })
    const single = { name: 'one', help: 'One label', buckets }
    const durationsOfOne = new Durations({ register: ours, labels: ['call'], ...single })
    const histogramOfOne = new Histogram({ registers: [theirs], labelNames: ['call'], ...single })
    for (const [at, value] of seconds.entries()) {
      const [call, outcome] = [`call${at % 2}`, at < 5 ? 'ok' : 'a "quoted" \\ one']
      durations.observe(value, call, outcome)
      histogram.observe({ call, outcome }, value)
      durationsOfOne.observe(value, call)
      histogramOfOne.observe({ call }, value)
    }
    const sorted = async (register: Registry): Promise<string[]> => (await register.metrics()).split('\n').sort()
    expect(await sorted(ours)).to.deep.equal(await sorted(theirs))
    expect(await sorted(ours)).to.include('two_bucket{le="0.001",call="call0",outcome="ok"} 2')
  })
})
