import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { expect } from 'chai'
import { lockRunDirectory } from '../../src/hsm/supervisor-lock.ts'
import { makeRunDir } from './support/run-dir.ts'

describe('supervisor lock', () => {
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  beforeEach(async () => {
    dir = await makeRunDir()
  })
  afterEach(() => dir.remove())

  it('is held by exactly one of many that come at once, and free again when released', async () => {
    for (let round = 0; round < 5; round++) {
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockRunDirectory(dir.path)))
      const held = tries.filter(one => one.status === 'fulfilled')
      expect(held).to.have.length(1)
      for (const one of tries) {
        if (one.status === 'rejected') expect(one.reason).to.have.property('code', 'config-invalid')
      }
      await held[0]!.value()
    }
    expect(await readdir(dir.path)).to.deep.equal([])
  })

  it('is free when its holder was killed', async () => {
    const holder = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', holding(dir.path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    const refused = await lockRunDirectory(dir.path).catch((error: unknown) => error)
    expect(refused).to.have.property('code', 'config-invalid')
    holder.kill('SIGKILL')
    await once(holder, 'close')
    await (
      await lockRunDirectory(dir.path)
    )()
  })
})

const holding = (path: string): string => `
  import { lockRunDirectory } from ${JSON.stringify(new URL('../../src/hsm/supervisor-lock.ts', import.meta.url).href)}
  await lockRunDirectory(${JSON.stringify(path)})
  console.log('held')
  setInterval(() => {}, 1000)
`
