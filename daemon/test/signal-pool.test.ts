import { expect } from 'chai'
import { SignalPool } from '../src/signal-pool.ts'

describe('a pool of abort signals', () => {
  it('gives one again that was given back, and to one at a time', () => {
    const pool = new SignalPool(8)
    const first = pool.take()
    expect(pool.take()).to.not.equal(first)
    pool.give(first)
    expect(pool.take()).to.equal(first)
    expect(pool.take()).to.not.equal(first)
  })

  it('never gives one again that was aborted, or that somebody still listens to', () => {
    const pool = new SignalPool(8)
    const aborted = pool.take()
    aborted.abort()
    pool.give(aborted)
    const heard = pool.take()
    const listen = (): void => {}
    heard.signal.addEventListener('abort', listen)
    pool.give(heard)
    const next = pool.take()
    expect(next).to.not.equal(aborted)
    expect(next).to.not.equal(heard)
    heard.signal.removeEventListener('abort', listen)
    pool.give(heard)
    expect(pool.take()).to.equal(heard)
  })
})
