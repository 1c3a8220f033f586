import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { watchHealth } from '../../src/hsm/health-watch.ts'
import { MemoryProvider } from './support/memory-provider.ts'
import { until } from './support/until.ts'

describe('the watch over a provider', () => {
  it('tells once that it is broken, and not that it is busy', async () => {
    const provider = new MemoryProvider()
    const answers: (() => Promise<{ ok: boolean; detail: string }>)[] = [
      async () => ({ ok: true, detail: 'well' }),
      () => Promise.reject(new WarderError('cancelled', 'it waited too long')),
      async () => ({ ok: false, detail: 'the token is gone' }),
    ]
    let asked = 0
    provider.health = () => answers[Math.min(asked++, 2)]!()
    const told: string[] = []
    const stop = watchHealth(provider, detail => void told.push(detail))
    await until('it is told', () => told.length > 0)
    expect(asked).to.equal(3)
    stop()
    expect(told).to.deep.equal(['the token is gone'])
  })

  it('says nothing once it was ended', async () => {
    const provider = new MemoryProvider()
    let answer: (health: { ok: boolean; detail: string }) => void = () => {}
    let asked = false
    provider.health = () => {
      asked = true
      return new Promise(resolve => (answer = resolve))
    }
    const told: string[] = []
    const stop = watchHealth(provider, detail => void told.push(detail))
    await until('it asks', () => asked)
    stop()
    answer({ ok: false, detail: 'the token is gone' })
    await new Promise(resolve => setImmediate(resolve))
    expect(told).to.deep.equal([])
  })
})
