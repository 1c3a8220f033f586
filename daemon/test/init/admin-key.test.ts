import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { reserveKeyFile, showOnTerminal } from '../../src/init/admin-key.ts'
import { configDirectory, type ConfigDirectory } from '../config/support.ts'

describe('where the first administrator’s key goes', () => {
  let dir: ConfigDirectory
  beforeEach(async () => {
    dir = await configDirectory()
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  it('is a new file that only its owner may read', async () => {
    const path = join(dir.path, 'admin.key')
    const sink = await reserveKeyFile(path)
    await sink?.deliver('wrd_x')
    expect(await readFile(path, 'utf8')).to.equal('wrd_x\n')
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
  })

  it('is never a file that is there already', async () => {
    const path = await dir.write('admin.key', 'old')
    expect(await reserveKeyFile(path)).to.equal(undefined)
    expect(await readFile(path, 'utf8')).to.equal('old')
  })

  it('is refused before a key is made when it could not be written', async () => {
    const error = await reserveKeyFile(join(dir.path, 'none', 'admin.key')).catch((cause: unknown) => cause as Error)
    expect(error).to.include({ code: 'config-invalid' })
  })

  it('leaves nothing behind when there was no key to deliver', async () => {
    const path = join(dir.path, 'admin.key')
    await (await reserveKeyFile(path))?.abandon()
    expect(existsSync(path)).to.equal(false)
  })

  it('is a terminal, and no pipe', async () => {
    let shown = ''
    const stdout = (isTTY: boolean) =>
      ({ isTTY, write: (text: string) => void (shown += text) }) as unknown as NodeJS.WriteStream
    expect(showOnTerminal(stdout(false))).to.equal(undefined)
    await showOnTerminal(stdout(true))?.deliver('wrd_x')
    expect(shown).to.match(/shown now and never again:\n\n {2}wrd_x\n/)
  })
})
