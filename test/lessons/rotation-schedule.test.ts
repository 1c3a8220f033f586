import { expect } from 'chai'
import type { KeyView } from '@warder/core'
import { type EngineAppliance, startEngineAppliance } from '../e2e/support/engine-appliance.ts'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'

const day = 86_400_000

describe('lesson: a key that is rotated by hand keeps its schedule', function () {
  this.timeout(60_000)
  let appliance: EngineAppliance
  let keys: KeysOfSpace

  before(async () => {
    appliance = await startEngineAppliance()
    keys = new KeysOfSpace(appliance.admin)
    await keys.create({ name: 'scheduled', algorithm: 'AES-256', rotateEveryDays: 30 })
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('through rotations, rollbacks, edits and a time of being disabled', async () => {
    const { rotation } = await keys.get('scheduled')
    expect(rotation.everyDays).to.equal(30)
    await appliance.passDays(10)
    const acts: readonly (() => Promise<KeyView>)[] = [
      () => keys.act('scheduled', 'rotate'),
      () => keys.act('scheduled', 'rollback', { version: 1 }),
      () => keys.edit('scheduled', { description: 'x', tags: { a: 'b' } }),
      () => keys.act('scheduled', 'disable'),
      () => keys.act('scheduled', 'enable'),
      () => keys.act('scheduled', 'rotate'),
    ]
    for (const act of acts) expect((await act()).rotation).to.deep.equal(rotation)
  })

  it('and is rotated when it is due, from when the next interval runs', async () => {
    const before = await keys.get('scheduled')
    await appliance.passDays(19)
    expect(await keys.get('scheduled')).to.deep.equal(before)
    await appliance.passDays(2)
    const after = await keys.get('scheduled')
    expect(after.primary).to.equal(before.primary + 1)
    const moved = Date.parse(after.rotation.nextAt ?? '') - Date.parse(before.rotation.nextAt ?? '')
    expect(moved / day).to.be.within(30, 31.1)
  })

  it('until it is told another, or none', async () => {
    const longer = await keys.edit('scheduled', { rotateEveryDays: 60 })
    expect(longer.rotation.everyDays).to.equal(60)
    expect((await keys.edit('scheduled', { rotateEveryDays: null })).rotation).to.deep.equal({
      everyDays: null,
      nextAt: null,
    })
    await appliance.passDays(200)
    expect(await keys.get('scheduled')).to.include({ primary: longer.primary })
  })

  it('a disabled key is not rotated meanwhile, and is once it is enabled', async () => {
    await keys.create({ name: 'stopped', algorithm: 'AES-256', rotateEveryDays: 1 })
    await keys.act('stopped', 'disable')
    await appliance.passDays(3)
    expect(await keys.get('stopped')).to.include({ primary: 1 })
    await keys.act('stopped', 'enable')
    await appliance.passDays(0)
    expect(await keys.get('stopped')).to.include({ primary: 2 })
  })
})
