import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { WriteQueue } from '../src/write-queue.ts'
import { refusal } from './store.ts'

/** A write that ends when it is told to. */
function heldWrite() {
  let finish = () => {}
  const done = new Promise<void>(resolve => (finish = resolve))
  let started = false
  const write = () => {
    started = true
    return done
  }
  return { write, finish, started: () => started }
}

describe('the write queue', () => {
  const limits = { items: 5, bytes: 100, width: 2 }
  const turn = (key: string, bytes = 1, signal = new AbortController().signal) => ({ key, bytes, signal })

  it('runs writes of one record in order, and those of others beside them up to its width', async () => {
    const queue = new WriteQueue(limits)
    const [a1, a2, b1, c1] = [heldWrite(), heldWrite(), heldWrite(), heldWrite()]
    const calls = [
      queue.run(turn('a'), a1.write),
      queue.run(turn('a'), a2.write),
      queue.run(turn('b'), b1.write),
      queue.run(turn('c'), c1.write),
    ]
    const started = () => [a1, a2, b1, c1].map(each => each.started())
    expect(started()).to.deep.equal([true, false, true, false])
    b1.finish()
    await calls[2]
    expect(started()).to.deep.equal([true, false, true, true])
    a1.finish()
    await calls[0]
    expect(started()).to.deep.equal([true, true, true, true])
    a2.finish()
    c1.finish()
    await Promise.all(calls)
    expect(queue.length).to.equal(0)
    expect(queue.underWay('a')).to.equal(undefined)
  })

  it('goes on after a write that fails', async () => {
    const queue = new WriteQueue(limits)
    const failing = queue.run(turn('a'), () => Promise.reject(new Error('no')))
    const next = queue.run(turn('a'), () => Promise.resolve())
    expect((await refusal(failing)).message).to.equal('no')
    await next
  })

  it('never starts what was cancelled while it waited, and finishes what was cancelled after', async () => {
    const queue = new WriteQueue(limits)
    const controller = new AbortController()
    const [first, second] = [heldWrite(), heldWrite()]
    const running = queue.run(turn('a', 1, controller.signal), first.write)
    const waiting = queue.run(turn('a', 1, controller.signal), second.write)
    controller.abort()
    expect((await refusal(waiting)).code).to.equal('cancelled')
    first.finish()
    await running
    expect(second.started()).to.equal(false)
    expect(queue.length).to.equal(0)
  })

  it('refuses what it has no room for, and takes it when there is room again', async () => {
    const queue = new WriteQueue(limits)
    const held = heldWrite()
    const calls = Array.from({ length: 5 }, () => queue.run(turn('a'), held.write))
    expect(WarderError.is(await refusal(queue.run(turn('b'), held.write)), 'over-capacity')).to.equal(true)
    held.finish()
    await Promise.all(calls)
    await queue.run(turn('b'), held.write)
  })

  it('bounds the bytes that wait, and still takes one write larger than the bound', async () => {
    const queue = new WriteQueue(limits)
    const held = heldWrite()
    const large = queue.run(turn('a', 1000), held.write)
    expect((await refusal(queue.run(turn('b', 1), held.write))).code).to.equal('over-capacity')
    held.finish()
    await large
    await queue.run(turn('b', 1), held.write)
  })

  it('closes when what it took has ended, and takes no more', async () => {
    const queue = new WriteQueue(limits)
    const held = heldWrite()
    const running = queue.run(turn('a'), held.write)
    let closed = false
    const closing = queue.close().then(() => (closed = true))
    expect((await refusal(queue.run(turn('b'), held.write))).code).to.equal('storage-unavailable')
    expect(closed).to.equal(false)
    held.finish()
    await Promise.all([running, closing, queue.close()])
    await new WriteQueue(limits).close()
  })
})
