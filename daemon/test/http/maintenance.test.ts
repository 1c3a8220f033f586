import { expect } from 'chai'
import type { Op } from '@warder/contract'
import { maintainRegularly } from '../../src/maintain.ts'
import { createLog } from '../../src/log/create-log.ts'

describe('maintenance', () => {
  function setUp(work: (op: Op, run: number) => Promise<void>) {
    let logged = ''
    const log = createLog({ write: line => void (logged += line) }, 'debug')
    const seen = { runs: 0, atOnce: 0, most: 0 }
    const maintain = async (op: Op): Promise<void> => {
      seen.runs++
      seen.most = Math.max(seen.most, ++seen.atOnce)
      try {
        await work(op, seen.runs)
      } finally {
        seen.atOnce--
      }
    }
    return { regular: maintainRegularly({ maintain }, log, 1), seen, logged: () => logged }
  }

  it('runs again and again, never two at once, also after one failed', async () => {
    let enough: () => void = () => undefined
    const ran = new Promise<void>(resolve => (enough = resolve))
    const { regular, seen, logged } = setUp(async (_, run) => {
      await new Promise(resolve => setImmediate(resolve))
      if (run === 2) throw new Error('cAnArY')
      if (run === 4) enough()
    })
    await ran
    await regular[Symbol.asyncDispose]()
    expect(seen.most).to.equal(1)
    expect(logged()).to.include('maintenance failed').and.not.include('cAnArY')
  })

  it('ends the run under way when it is closed, and begins no other', async () => {
    let begun: () => void = () => undefined
    const running = new Promise<void>(resolve => (begun = resolve))
    const { regular, seen, logged } = setUp(({ signal }) => {
      begun()
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error())),
      )
    })
    await running
    await regular[Symbol.asyncDispose]()
    await regular[Symbol.asyncDispose]()
    expect(seen).to.deep.equal({ runs: 1, atOnce: 0, most: 1 })
    expect(logged()).to.equal('')
  })
})
