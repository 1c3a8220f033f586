import { expect } from 'chai'
import { startWatchdog } from '../../src/systemd/watchdog.ts'
import { keepLog } from '../hsm/support/kept-log.ts'
import { until } from '../hsm/support/until.ts'

describe('the watchdog', () => {
  const kept = () => {
    const told: string[] = []
    return {
      told,
      manager: { watchdogMs: 30, notify: async (...states: readonly string[]) => void told.push(...states) },
    }
  }

  it('is fed while every part answers, also that it is not well', async () => {
    const { told, manager } = kept()
    const watchdog = startWatchdog(manager, async () => ({ hsm: { ok: false, detail: 'away' } }), keepLog())
    await until('it is fed', () => told.length >= 3)
    watchdog[Symbol.dispose]()
    expect(new Set(told)).to.deep.equal(new Set(['WATCHDOG=1']))
  })

  it('is not fed while a part does not answer, and again once it does', async () => {
    const { told, manager } = kept()
    let asked = 0
    let answer = (_: Record<string, never>): void => {}
    const stuck = new Promise<Record<string, never>>(resolve => (answer = resolve))
    const watchdog = startWatchdog(
      manager,
      () => {
        asked++
        return stuck
      },
      keepLog(),
    )
    await until('it is asked', () => asked === 1)
    const started = performance.now()
    await until('some intervals have passed', () => performance.now() - started > 100)
    expect([asked, told]).to.deep.equal([1, []])
    answer({})
    await until('it is fed', () => told.length >= 2)
    watchdog[Symbol.dispose]()
  })

  it('asks nobody where no manager wants to know', () => {
    const watchdog = startWatchdog({ ...kept().manager, watchdogMs: undefined }, () => expect.fail('asked'), keepLog())
    watchdog[Symbol.dispose]()
  })
})
