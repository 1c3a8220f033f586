import { AssertionError } from 'node:assert'
import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { hsmConformance, type ConformanceCase } from '@warder/testkit'
import { brokenBackups } from './support/broken-backups.ts'
import { brokenCalls } from './support/broken-calls.ts'
import { brokenKeys } from './support/broken-keys.ts'
import { brokenOpenings } from './support/broken-openings.ts'
import { brokenOperations } from './support/broken-operations.ts'
import { brokenTransfers } from './support/broken-transfers.ts'
import { referenceBackup, referenceHsm } from './support/reference-hsm.ts'
import { ReferenceToken } from './support/reference-token.ts'

const brokenHsms = [brokenOpenings, brokenKeys, brokenOperations, brokenTransfers, brokenBackups, brokenCalls].flat()

const place =
  (without: readonly string[] = []) =>
  async () => ({
    config: { token: new ReferenceToken(), without },
    remove: async () => {},
  })

describe('the HSM suite catches a provider that', () => {
  for (const { fault, caught, plugin, without } of brokenHsms) {
    it(fault, async () => {
      await fails(named(hsmConformance({ plugin, place: place(without), backup: referenceBackup }), caught))
    }).timeout(60_000)
  }
})

describe('the HSM suite', () => {
  it('gives every case a name of its own', () => {
    const cases = hsmConformance({ plugin: referenceHsm, place: place(), backup: referenceBackup })
    expect(new Set(cases.map(({ name }) => name)).size).to.equal(cases.length)
  })

  it('has a token for each provider it opens, and leaves none behind', async () => {
    const left = new Set<ReferenceToken>()
    const counting = async () => {
      const token = new ReferenceToken()
      left.add(token)
      return { config: { token }, remove: async () => void left.delete(token) }
    }
    const cases = hsmConformance({ plugin: referenceHsm, place: counting, backup: referenceBackup })
    await named(cases, 'another token does not open it').run()
    expect(left.size).to.equal(0)
  })
})

function named(cases: readonly ConformanceCase[], name: string): ConformanceCase {
  const found = cases.find(each => each.name === name)
  if (!found) throw new Error(`the suite has no case named ${name}`)
  return found
}

/** That the case fails by what the suite noticed, or by what the provider answered a sound call with. */
async function fails({ name, run }: ConformanceCase): Promise<void> {
  const error: unknown = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error, `the case "${name}" passed`).not.to.equal(undefined)
  expect(error instanceof AssertionError || WarderError.is(error), String(error)).to.equal(true)
}
