import { expect } from 'chai'
import { getEventListeners } from 'node:events'
import { AbortListeners } from '@warder/contract'

describe('abort listeners', () => {
  const countOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

  it('put one listener on a signal, however many wait, and take it off with the last', () => {
    const { signal } = new AbortController()
    const listeners = new AbortListeners()
    const stops = Array.from({ length: 100 }, () => listeners.add(signal, () => {}))
    expect(countOf(signal)).to.equal(1)
    for (const stop of stops.slice(1)) stop()
    expect(countOf(signal)).to.equal(1)
    stops[0]?.()
    expect(countOf(signal)).to.equal(0)
  })

  it('call each of those who wait once, and those of other signals not', () => {
    const aborted = new AbortController()
    const other = new AbortController()
    const listeners = new AbortListeners()
    const called: string[] = []
    listeners.add(aborted.signal, () => called.push('first'))
    listeners.add(aborted.signal, () => called.push('stopped'))()
    listeners.add(aborted.signal, () => called.push('last'))
    listeners.add(other.signal, () => called.push('other'))
    aborted.abort()
    aborted.abort()
    expect(called).to.deep.equal(['first', 'last'])
    other.abort()
    expect(called).to.deep.equal(['first', 'last', 'other'])
  })

  it('stopping twice is stopping once, also when the signal is waited for anew in between', () => {
    const controller = new AbortController()
    const listeners = new AbortListeners()
    const called: string[] = []
    const stop = listeners.add(controller.signal, () => called.push('stopped'))
    stop()
    listeners.add(controller.signal, () => called.push('new'))
    stop()
    controller.abort()
    expect(called).to.deep.equal(['new'])
  })

  it('let who is called stop others that are yet to be called', () => {
    const controller = new AbortController()
    const listeners = new AbortListeners()
    const called: string[] = []
    listeners.add(controller.signal, () => {
      called.push('first')
      stop()
    })
    const stop = listeners.add(controller.signal, () => called.push('second'))
    controller.abort()
    expect(called).to.deep.equal(['first'])
  })
})
