import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hsmConformance } from '@warder/testkit'
import { plugin } from '../../src/plugin.ts'
import { createSoftHsmToken } from '../../src/softhsm.ts'

const place = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'warder-softhsm-'))
  return { config: await createSoftHsmToken(directory), remove: () => rm(directory, { recursive: true }) }
}

describe('SoftHSM2 conforms:', () => {
  for (const { name, timeout, run } of hsmConformance({ plugin, place })) it(name, run).timeout(timeout)
})
