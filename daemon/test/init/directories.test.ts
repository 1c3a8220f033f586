import { chmod, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { makeDirectory } from '../../src/init/directories.ts'
import { configDirectory, type ConfigDirectory } from '../config/support.ts'

describe('makeDirectory', () => {
  let dir: ConfigDirectory
  beforeEach(async () => {
    dir = await configDirectory()
  })
  afterEach(() => dir[Symbol.asyncDispose]())
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

  it('makes it with its mode whatever the umask, and what is above it for everybody to pass through', async () => {
    const before = process.umask(0o077)
    try {
      expect(await makeDirectory(join(dir.path, 'a/b/c'), { mode: 0o2750, ...own })).to.equal(true)
    } finally {
      process.umask(before)
    }
    expect(await modeOf(join(dir.path, 'a/b/c'))).to.equal('2750')
    expect(await modeOf(join(dir.path, 'a'))).to.equal('755')
  })

  it('leaves one that is there as it is', async () => {
    await chmod(dir.path, 0o711)
    expect(await makeDirectory(dir.path, { mode: 0o700, ...own })).to.equal(false)
    expect(await modeOf(dir.path)).to.equal('711')
  })
})
