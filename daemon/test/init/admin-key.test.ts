import { existsSync } from 'node:fs'
import { chmod, readFile, stat } from 'node:fs/promises'
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
    await sink?.close(true)
    expect(await readFile(path, 'utf8')).to.equal('wrd_x\n')
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
  })

  it('is never a file that is there already', async () => {
    const path = await dir.write('admin.key', 'old')
    expect(await reserveKeyFile(path)).to.equal(undefined)
    expect(await readFile(path, 'utf8')).to.equal('old')
  })

  it('is a file that a run which was cut short has left, with its key or without', async () => {
    const path = await dir.write('admin.key', '')
    const empty = await reserveKeyFile(path)
    expect(empty?.delivered).to.equal(undefined)
    const key = `wrd_0123456789abcdef_${'A'.repeat(54)}`
    await empty?.deliver(key)
    await empty?.close(true)
    const again = await reserveKeyFile(path)
    expect(again?.delivered).to.equal(key)
    // one that is not taken up belongs to somebody else
    const refused = await again?.deliver('wrd_other').catch((cause: unknown) => cause as Error)
    expect(refused).to.include({ code: 'config-invalid' })
    await again?.close(false)
    expect(await readFile(path, 'utf8')).to.equal(`${key}\n`)
  })

  it('is no such file when others may have written it', async () => {
    const path = await dir.write('admin.key', '')
    await chmod(path, 0o644)
    expect(await reserveKeyFile(path)).to.equal(undefined)
  })

  it('is refused before a key is made when it could not be written', async () => {
    const error = await reserveKeyFile(join(dir.path, 'none', 'admin.key')).catch((cause: unknown) => cause as Error)
    expect(error).to.include({ code: 'config-invalid' })
  })

  it('leaves nothing behind when there was no key to deliver', async () => {
    const path = join(dir.path, 'admin.key')
    await (await reserveKeyFile(path))?.close(false)
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
