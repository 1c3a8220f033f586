import { expect } from 'chai'
import { AssertionError } from 'node:assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryMedium, memoryStorage, storageConformance, type ConformanceCase } from '@warder/testkit'
import { brokenRemoteStores } from './broken-remote-stores.ts'
import { brokenStores } from './broken-stores.ts'
import { plugin as forgetful } from './forgetful-storage.ts'
import { remotePlace } from './reference/remote-storage.ts'

const place = async () => ({ config: { medium: new MemoryMedium() }, remove: async () => {} })

describe('the storage suite catches a store that', () => {
  for (const { fault, caught, plugin } of brokenStores) {
    it(fault, async () => {
      await fails(named(storageConformance({ plugin, place }), caught))
    })
  }

  // all at once: most of them are caught when the suite's patience is over, which is then waited for once
  const failures = new Map<string, Promise<Error>>()
  before(() => {
    for (const { fault, caught, plugin } of brokenRemoteStores) {
      const cases = storageConformance({ plugin, place: remotePlace, networkPlace: remotePlace, patience: 3000 })
      const failure = fails(named(cases, caught))
      failure.catch(() => undefined)
      failures.set(fault, failure)
    }
  })
  for (const { fault, saying } of brokenRemoteStores) {
    it(fault, async () => expect((await failures.get(fault))?.message).to.match(saying))
  }

  it('loses acknowledged writes when its process is killed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'warder-testkit-'))
    try {
      const cases = storageConformance({
        plugin: forgetful,
        place: async () => ({ config: { file: join(directory, 'store.json') }, remove: async () => {} }),
        killableWriter: new URL('forgetful-writer.ts', import.meta.url),
      })
      const error = await fails(named(cases, 'every acknowledged write survives SIGKILL, 10 times at random moments'))
      expect(error.message).to.match(/was acknowledged at revision \d and is lost/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describe('the storage suite', () => {
  const cases = storageConformance({ plugin: memoryStorage, place, volume: 100_000 })

  it('gives every case a name of its own', () => {
    expect(new Set(cases.map(({ name }) => name)).size).to.equal(cases.length)
  })

  it('stores as many records as it is asked to', () => {
    expect(cases.map(({ name }) => name).join()).to.contain('100,000 records')
  })

  it('leaves out what needs a network where there is none', () => {
    expect(cases.map(({ name }) => name).join()).not.to.match(/network|stall/)
  })

  it('leaves out what needs another process when there is none to be had', () => {
    expect(cases.map(({ name }) => name).join()).not.to.contain('SIGKILL')
  })
})

function named(cases: readonly ConformanceCase[], name: string): ConformanceCase {
  const found = cases.find(each => each.name === name)
  if (!found) throw new Error(`the suite has no case named ${name}`)
  return found
}

/** The assertion that the case fails with: what went wrong was noticed by the suite, not stumbled over. */
async function fails({ name, run }: ConformanceCase): Promise<Error> {
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error, `the case "${name}" passed`).to.be.instanceOf(AssertionError)
  return error as AssertionError
}
