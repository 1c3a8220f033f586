import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkClock, judgeSynchronised } from '../../../src/doctor/checks/clock.ts'
import type { DoctorContext } from '../../../src/doctor/context.ts'
import { thisMachine } from '../../../src/doctor/machine.ts'

describe('doctor: the clock', () => {
  it('that nobody tells of is not called synchronised', () => {
    expect(judgeSynchronised(undefined)).to.include({ status: 'not-checked' })
    expect(judgeSynchronised(false)).to.include({ status: 'warning', fix: 'timedatectl set-ntp true' })
    expect(judgeSynchronised(true)).to.include({ status: 'ok' })
  })

  it('is asked of timedatectl, then of what systemd-timesyncd leaves', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'warder-doctor-'))
    try {
      const status = async (said: string | undefined, timesync: string) => {
        const machine = { ...thisMachine, timesync, ask: () => Promise.resolve(said) }
        const context = { machine, now: new Date(), journal: () => Promise.resolve({ state: 'absent' as const }) }
        return (await checkClock(context as unknown as DoctorContext))[0]?.status
      }
      const mark = join(dir, 'synchronized')
      expect(await status('yes\n', mark)).to.equal('ok')
      expect(await status('no\n', mark)).to.equal('warning')
      expect(await status(undefined, mark)).to.equal('not-checked')
      await writeFile(mark, '')
      expect(await status(undefined, mark)).to.equal('ok')
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  it('a program that is not there, or fails, says nothing', async () => {
    expect(await thisMachine.ask('no-such-program', [])).to.equal(undefined)
    expect(await thisMachine.ask('false', [])).to.equal(undefined)
    expect(await thisMachine.ask('echo', ['yes'])).to.equal('yes\n')
  })
})
