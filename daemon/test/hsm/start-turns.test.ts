import { expect } from 'chai'
import { StartTurns } from '../../src/hsm/start-turns.ts'
import { until } from './support/until.ts'

describe('the turns in which hosts are started', () => {
  /** What has begun, in this order, and how to let each end. */
  let begun: string[]
  let end: Map<string, () => void>
  const start = (name: string) => () =>
    new Promise<void>(resolve => {
      begun.push(name)
      end.set(name, resolve)
    })
  const hasBegun = (...names: string[]) => until(names.join(), () => begun.length >= names.length)

  beforeEach(() => {
    begun = []
    end = new Map()
  })

  it('are one at a time, over all tokens, while each takes no longer than its turn', async () => {
    const turns = new StartTurns(2, 60_000)
    for (const [token, name] of [
      [0, 'a1'],
      [1, 'b1'],
      [0, 'a2'],
    ] as const)
      turns.take(token, start(name))
    for (const [index, name] of ['a1', 'b1', 'a2'].entries()) {
      await hasBegun(...begun, name)
      await new Promise(resolve => setImmediate(resolve))
      expect(begun).to.have.length(index + 1)
      end.get(begun.at(-1)!)?.()
    }
    await turns.ended()
    expect(begun).to.deep.equal(['a1', 'b1', 'a2'])
  })

  it('go on with another token when one takes longer, whose own starts wait for as long as it does', async () => {
    const turns = new StartTurns(2, 20)
    turns.take(0, start('hangs'))
    turns.take(0, start('waits'))
    turns.take(1, start('other'))
    await hasBegun('hangs', 'other')
    end.get('other')?.()
    turns.take(1, start('another'))
    await hasBegun('hangs', 'other', 'another')
    expect(begun).to.deep.equal(['hangs', 'other', 'another'])
    end.get('another')?.()
    end.get('hangs')?.()
    await hasBegun('hangs', 'other', 'another', 'waits')
    end.get('waits')?.()
    await turns.ended()
  })
})
