import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { InOrder } from '../src/in-order.ts'

describe('things in the order they came', () => {
  const named = (name: string): { name: string } => ({ name })
  const names = (order: InOrder<{ name: string }>): string =>
    order
      .values()
      .map(({ name }) => name)
      .join('')

  it('go from wherever they stand, once', () => {
    const order = new InOrder<{ name: string }>()
    expect(order.first).to.equal(undefined)
    order.takeFirst()
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => order.add(named(name)))
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four were added')
    order.remove(b)
    order.remove(b)
    expect(names(order)).to.equal('acd')
    order.remove(d)
    order.add(named('e'))
    expect(names(order)).to.equal('ace')
    order.takeFirst()
    expect(order.first?.name).to.equal('c')
    order.remove(a)
    order.remove(c)
    order.takeFirst()
    expect(names(order)).to.equal('')
    order.add(named('f'))
    expect(names(order)).to.equal('f')
  })

  // A Set of the requests that were being answered held each of them until the next full collection: most of what was made
  // for a request outlived its scavenge, which took 18 ms and not 5.
  it('are not held any more once they have gone, without a full collection', async function () {
    this.timeout(20_000)
    const module = fileURLToPath(new URL('../src/in-order.ts', import.meta.url))
    const heldBy = async (list: string): Promise<number> => {
      const program = `
        import { getHeapSpaceStatistics } from 'node:v8'
        import { InOrder } from ${JSON.stringify(module)}
        const list = new ${list}()
        const leave = []
        const oldSpace = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space').space_used_size
        gc()
        const before = oldSpace()
        for (let request = 0; request < 50_000; request++) {
          const one = { body: Array.from({ length: 20 }, () => request) }
          const place = list.add(one)
          leave.push(() => (list.delete ? list.delete(one) : list.remove(place)))
          if (leave.length > 64) leave.shift()()
        }
        console.log(oldSpace() - before)`
      const flags = ['--expose-gc', '--import', 'tsx', '--input-type=module', '--eval', program]
      return Number((await promisify(execFile)(process.execPath, flags)).stdout)
    }
    expect(await heldBy('Set')).to.be.above(5e6)
    expect(await heldBy('InOrder')).to.be.below(1e6)
  })
})
