import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readConfigFile } from '../../src/cli/config-file.ts'
import { settle } from '../../src/cli/settings.ts'

describe('settings', () => {
  it('are the flag, else the file, else the default', () => {
    const file = { addr: 'https://file:1', cacert: '/file.pem', tokenFile: '/file.key', space: 'filed' }
    const flags = { addr: 'https://flag:2', cacert: '/flag.pem', tokenFile: '/flag.key', space: 'flagged' }
    const { url, ...rest } = settle(flags, file)
    expect({ origin: url.origin, ...rest }).to.deep.equal({
      origin: 'https://flag:2',
      cacert: '/flag.pem',
      tokenFile: '/flag.key',
      space: 'flagged',
    })
    expect(settle({}, file)).to.include({ cacert: '/file.pem', tokenFile: '/file.key', space: 'filed' })
    expect(settle({ addr: 'https://h' }, {})).to.include({ cacert: undefined, tokenFile: undefined, space: 'default' })
  })

  describe('of the file', () => {
    let directory: string
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'warder-cli-'))
    })
    after(() => rm(directory, { recursive: true }))

    const read = async (text: string) => {
      const file = join(directory, 'cli.toml')
      await writeFile(file, text)
      return readConfigFile(file).catch((error: unknown) => (error as Error).message.replace(`${directory}/`, ''))
    }

    it('are none when there is none', async () => {
      expect(await readConfigFile(join(directory, 'none', 'cli.toml'))).to.deep.equal({})
    })

    it('have paths relative to it', async () => {
      expect(await read('addr = "https://a"\ncacert = "ca.pem"\ntoken_file = "/k"\nspace = "s"')).to.deep.equal({
        addr: 'https://a',
        cacert: join(directory, 'ca.pem'),
        tokenFile: '/k',
        space: 's',
      })
    })

    it('are refused where they mean nothing, naming what', async () => {
      expect(await read('adr = "https://a"')).to.equal('cli.toml: adr is not a setting.')
      expect(await read('addr = 7')).to.equal('cli.toml: addr must be text.')
      expect(await read('addr = "x"\ncacert =')).to.equal('cli.toml is not TOML at line 2, column 9.')
    })
  })
})
