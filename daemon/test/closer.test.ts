import { expect } from 'chai'
import { Closer } from '../src/closer.ts'

describe('closer', () => {
  const failing = (message: string) => async (): Promise<void> => {
    throw new Error(message)
  }

  it('closes in reverse, each after the one before is done', async () => {
    const closer = new Closer()
    const said: string[] = []
    for (const name of ['first', 'second', 'third'])
      closer.defer(async () => {
        said.push(`${name} closing`)
        await new Promise(resolve => setImmediate(resolve))
        said.push(`${name} closed`)
      })
    await closer[Symbol.asyncDispose]()
    expect(said).to.deep.equal(['third', 'second', 'first'].flatMap(name => [`${name} closing`, `${name} closed`]))
  })

  it('gives back what it takes', () => {
    const opened = { async [Symbol.asyncDispose]() {} }
    expect(new Closer().push(opened)).to.equal(opened)
  })

  it('closes all of it when parts fail, and reports each failure', async () => {
    const closer = new Closer()
    const closed: string[] = []
    closer.defer(async () => closed.push('first'))
    closer.defer(failing('one'))
    closer.push({
      [Symbol.asyncDispose]() {
        throw new Error('thrown, not rejected')
      },
    })
    closer.defer(async () => closed.push('last'))
    let thrown: unknown
    await closer[Symbol.asyncDispose]().catch((error: unknown) => (thrown = error))
    expect(thrown).to.be.instanceOf(AggregateError)
    expect((thrown as AggregateError).errors.map(error => (error as Error).message)).to.deep.equal([
      'thrown, not rejected',
      'one',
    ])
    expect(closed).to.deep.equal(['last', 'first'])
  })

  it('closes each part once, however often it is asked, and also when the first time failed', async () => {
    const closer = new Closer()
    let times = 0
    closer.defer(async () => times++)
    closer.defer(failing('once'))
    await closer[Symbol.asyncDispose]().catch(() => {})
    await closer[Symbol.asyncDispose]()
    expect(times).to.equal(1)
  })
})
