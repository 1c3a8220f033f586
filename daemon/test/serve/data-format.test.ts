import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { claimDataDirectory, dataFormat } from '../../src/serve/data-format.ts'
import { configDirectory, type ConfigDirectory } from '../config/support.ts'

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error & { code: string; facts: object }) => error,
  )

describe('the format of a data directory', () => {
  let dir: ConfigDirectory
  beforeEach(async () => {
    dir = await configDirectory()
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  it('is noted when it is first used, and stays', async () => {
    await claimDataDirectory(dir.path)
    const marked = await readFile(join(dir.path, 'format.json'), 'utf8')
    expect(JSON.parse(marked)).to.deep.equal({ format: dataFormat })
    await claimDataDirectory(dir.path)
    expect(await readFile(join(dir.path, 'format.json'), 'utf8')).to.equal(marked)
  })

  it('of a newer version is refused as a downgrade, and nothing is touched', async () => {
    const newer = JSON.stringify({ format: dataFormat + 1, more: 'that nobody here knows' })
    await dir.write('format.json', newer)
    const error = await failure(claimDataDirectory(dir.path))
    expect(error).to.include({ code: 'config-invalid' })
    expect(error?.facts).to.include({ reason: 'downgrade' })
    expect(error?.message).to.match(
      /written by a newer Warder .* A downgrade is not possible: install the newer version/,
    )
    expect(await readFile(join(dir.path, 'format.json'), 'utf8')).to.equal(newer)
  })

  for (const text of ['', '{', '{"format":0}', '{"format":"1"}', 'null'])
    it(`that reads ${JSON.stringify(text)} is damaged, and not overwritten`, async () => {
      await dir.write('format.json', text)
      expect((await failure(claimDataDirectory(dir.path)))?.message).to.match(/is damaged/)
    })

  it('cannot be noted where there is no data directory', async () => {
    expect(await failure(claimDataDirectory(join(dir.path, 'none')))).to.include({ code: 'not-initialised' })
  })
})
