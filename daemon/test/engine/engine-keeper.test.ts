import { WarderError } from '@warder/contract'
import type { Op } from '@warder/contract'
import { expect } from 'chai'
import { EngineKeeper, type OpenedEngine } from '../../src/engine/engine-keeper.ts'
import { type SupervisorStatus, writeStatus } from '../../src/hsm/status.ts'
import { createMemoryEngine } from '../http/support/memory-engine.ts'
import { keepLog } from '../hsm/support/kept-log.ts'
import { makeRunDir } from '../hsm/support/run-dir.ts'
import { rejection, until } from '../hsm/support/until.ts'

const op: Op = { signal: new AbortController().signal }
const statusOf = (state: SupervisorStatus['state'], seals: number): SupervisorStatus => ({
  state,
  seals,
  hosts: [{ index: 0, pid: 1, state: state === 'serving' ? 'ready' : 'stopped', socket: '' }],
})

describe('an appliance’s engine', () => {
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let keeper: EngineKeeper | undefined
  /** What happened to engines, in order. */
  let events: string[]
  let refuse: WarderError | undefined
  const changes: (string | undefined)[] = []

  const open = async (): Promise<OpenedEngine> => {
    if (refuse !== undefined) {
      events.push('refused')
      throw refuse
    }
    events.push('open')
    return {
      engine: { ...createMemoryEngine(), recordHsm: async what => void events.push(what) },
      endBackground: async () => void events.push('end background'),
      [Symbol.asyncDispose]: async () => void events.push('close'),
    }
  }
  const start = async () => {
    keeper = await EngineKeeper.start(
      { runDir: dir.path, log: keepLog(), open, onChange: why => void changes.push(why) },
      op,
    )
    return keeper
  }

  beforeEach(async () => {
    dir = await makeRunDir()
    events = []
    changes.length = 0
    refuse = undefined
  })
  afterEach(async () => {
    await keeper?.[Symbol.asyncDispose]()
    keeper = undefined
    await dir.remove()
  })

  it('is there when the HSM side is, and closed with the appliance, without a word of sealing', async () => {
    await writeStatus(dir.path, statusOf('serving', 0))
    const started = await start()
    expect(started.engine).to.not.equal(undefined)
    await started[Symbol.asyncDispose]()
    expect(events).to.deep.equal(['open', 'end background', 'close'])
    expect(started.engine).to.equal(undefined)
  })

  it('is closed when that is sealed, its last record saying so, and opened again when it is not', async () => {
    await writeStatus(dir.path, statusOf('serving', 0))
    const started = await start()
    await writeStatus(dir.path, statusOf('sealed', 1))
    await until('closed', () => events.includes('close'))
    expect(started.engine).to.equal(undefined)
    expect(started.whyNot).to.include('warder unseal')
    expect((await started.health(op))['engine']).to.deep.equal({ ok: false, detail: started.whyNot })
    await writeStatus(dir.path, statusOf('serving', 1))
    await until('open again', () => started.engine !== undefined)
    expect(events).to.deep.equal(['open', 'end background', 'seal', 'close', 'open', 'unseal'])
    expect(changes.map(why => why === undefined)).to.deep.equal([true, false, true])
  })

  it('is closed and opened again also when the seal was over before anyone looked', async () => {
    await writeStatus(dir.path, statusOf('serving', 3))
    await start()
    await writeStatus(dir.path, statusOf('serving', 4))
    await until('open again', () => events.length === 6)
    expect(events).to.deep.equal(['open', 'end background', 'seal', 'close', 'open', 'unseal'])
  })

  it('stays when another supervisor counts from the beginning, or none is there', async () => {
    await writeStatus(dir.path, statusOf('serving', 3))
    const started = await start()
    for (const status of [statusOf('stopped', 3), statusOf('starting', 0), statusOf('serving', 0)]) {
      await writeStatus(dir.path, status)
      // longer than it takes to look; nothing to wait for, as nothing may happen
      await rejection(until('a change', () => events.length > 1, 500))
    }
    await writeStatus(dir.path, statusOf('serving', 1))
    await until('a seal by the other one', () => events.includes('seal'))
    await until('open again', () => started.engine !== undefined)
  })

  it('is not there at a start while that is sealed', async () => {
    await writeStatus(dir.path, statusOf('sealed', 1))
    refuse = new WarderError('sealed', 'sealed')
    const started = await start()
    expect(started.engine).to.equal(undefined)
    refuse = undefined
    await writeStatus(dir.path, statusOf('serving', 1))
    await until('open', () => started.engine !== undefined)
    expect(events).to.deep.equal(['refused', 'open', 'unseal'])
  })

  it('ends the start when it cannot be opened for another reason', async () => {
    refuse = new WarderError('journal-corrupt', 'damaged')
    expect((await rejection(start())).code).to.equal('journal-corrupt')
  })

  it('is tried again, not in haste, when it cannot be opened after an unseal', async () => {
    await writeStatus(dir.path, statusOf('sealed', 1))
    refuse = new WarderError('sealed', 'sealed')
    const started = await start()
    refuse = new WarderError('storage-unavailable', 'away')
    await writeStatus(dir.path, statusOf('serving', 1))
    await until('a try', () => started.whyNot.includes('storage-unavailable'))
    expect(events).to.deep.equal(['refused', 'refused'])
    refuse = undefined
    await until('open', () => started.engine !== undefined)
  })
})
