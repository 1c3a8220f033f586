import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { withOutput } from '../../src/cli/output-file.ts'

describe('an output file', () => {
  let directory: string
  let out: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warder-out-'))
    out = join(directory, 'out')
  })
  afterEach(() => rm(directory, { recursive: true }))

  const write = (text: string, force?: boolean): Promise<void> =>
    withOutput({ out, ...(force === undefined ? {} : { force }) }, async put => {
      await put(Buffer.from(text))
      await put(Buffer.from('!'))
    })

  it('appears whole, and leaves nothing beside it', async () => {
    await write('text')
    expect(await readFile(out, 'utf8')).to.equal('text!')
    expect(await readdir(directory)).to.deep.equal(['out'])
  })

  it('does not appear when what makes it fails', async () => {
    const failing = withOutput({ out }, async put => {
      await put(Buffer.from('half'))
      throw new Error('no more')
    })
    expect(await failing.catch((error: unknown) => (error as Error).message)).to.equal('no more')
    expect(await readdir(directory)).to.deep.equal([])
  })

  it('replaces nothing, and makes nothing that would, unless told to', async () => {
    await writeFile(out, 'before')
    let made = false
    const refused = withOutput({ out }, () => Promise.resolve((made = true)))
    expect(await refused.catch((error: unknown) => (error as Error).message)).to.equal(`${out} is there already.`)
    expect({ made, text: await readFile(out, 'utf8') }).to.deep.equal({ made: false, text: 'before' })
    await write('after', true)
    expect(await readFile(out, 'utf8')).to.equal('after!')
  })

  it('does not replace what came while it was being made', async () => {
    const late = withOutput({ out }, () => writeFile(out, 'somebody else'))
    expect(await late.catch((error: unknown) => (error as Error).message)).to.equal(`${out} is there already.`)
    expect(await readFile(out, 'utf8')).to.equal('somebody else')
  })

  it('does not follow a link that leads elsewhere', async () => {
    await symlink(join(directory, 'elsewhere'), out)
    expect(await write('text').catch((error: unknown) => (error as Error).message)).to.equal(`${out} is there already.`)
    await write('text', true)
    expect((await lstat(out)).isSymbolicLink()).to.equal(false)
    expect(await readdir(directory)).to.deep.equal(['out'])
  })

  it('names a place that cannot be written', async () => {
    const nowhere = withOutput({ out: join(directory, 'no', 'out') }, () => Promise.resolve())
    expect(await nowhere.catch((error: unknown) => (error as Error).message)).to.include('cannot be written (ENOENT)')
  })
})
