import { expect } from 'chai'
import { MemoryMedium, memoryStorage, patientOp, quietHost, storageConformance } from '@warder/testkit'

describe('memory storage', () => {
  const place = async () => ({ config: { medium: new MemoryMedium() }, remove: async () => {} })
  for (const { name, timeout, run } of storageConformance({ plugin: memoryStorage, place })) {
    it(name, run).timeout(timeout)
  }

  it('starts empty each time when it is given no medium', async () => {
    const op = patientOp()
    const record = { collection: 'c', id: 'a', revision: 1, attributes: {}, body: Uint8Array.of(1) }
    const first = await memoryStorage.open({}, quietHost(), op)
    await first.put(record, 'absent', op)
    const second = await memoryStorage.open({}, quietHost(), op)
    expect(await second.get('c', 'a', op)).to.equal(undefined)
  })

  it('shows what a test does to the medium behind its back', async () => {
    const op = patientOp()
    const medium = new MemoryMedium()
    const store = await memoryStorage.open({ medium }, quietHost(), op)
    medium.set({ collection: 'c', id: 'a', revision: 7, attributes: {}, body: Uint8Array.of(1) })
    expect((await store.get('c', 'a', op))?.revision).to.equal(7)
    medium.remove('c', 'a')
    expect(await store.get('c', 'a', op)).to.equal(undefined)
  })
})
