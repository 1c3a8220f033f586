import { expect } from 'chai'
import { loadConfig, readConfig } from '../../src/config/load.ts'
import { configDirectory, type ConfigDirectory, wholeConfig } from './support.ts'

describe('loading the configuration', () => {
  let dir: ConfigDirectory
  beforeEach(async () => {
    dir = await configDirectory()
    await dir.write('warder.toml', wholeConfig(dir.path))
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  const findings = async () => {
    const { findings: found = [] } = await readConfig(dir.main)
    return found.map(({ place, message }) => `${place.replace(`${dir.path}/`, '')} ${message}`)
  }

  it('fills in what has a default', async () => {
    const config = await loadConfig(dir.main)
    expect(config.hsm).to.include({ hosts: 2, watchdogMs: 2000 })
    expect(config.log).to.deep.equal({ level: 'info' })
  })

  it('merges conf.d in the order of the names, and leaves out what does not end in .toml', async () => {
    await dir.write('conf.d/20-b.toml', 'node = "twenty"\n')
    await dir.write('conf.d/10-a.toml', 'node = "ten"\n[hsm]\nhosts = 4\n')
    await dir.write('conf.d/99-c.toml.bak', 'node = "bak"\n')
    await dir.write('conf.d/.99-c.toml', 'node = "hidden"\n')
    const config = await loadConfig(dir.main)
    expect([config.node, config.hsm.hosts, config.hsm.watchdogMs]).to.deep.equal(['twenty', 4, 2000])
  })

  it('refuses an unknown key, says where it is and what was probably meant', async () => {
    await dir.write('conf.d/hsm.toml', '\n[hsm]\n  wachtdogMs = 1000\n')
    expect(await findings()).to.deep.equal([
      'conf.d/hsm.toml:3:3 hsm.wachtdogMs: unknown key; did you mean watchdogMs?',
    ])
  })

  it('refuses an unknown table, and makes no suggestion where none is near', async () => {
    await dir.write('conf.d/x.toml', '[metrics]\nport = 1\n')
    expect(await findings()).to.deep.equal(['conf.d/x.toml:1:2 metrics: unknown key.'])
  })

  it('says where a wrong value is, in the file that had the last word', async () => {
    await dir.write('conf.d/x.toml', '[listen]\nport = 70000\n')
    const [first, ...others] = await findings()
    expect(first).to.match(/^conf\.d\/x\.toml:2:1 listen\.port: /)
    expect(others).to.deep.equal([])
  })

  it('finds everything that is wrong at once; what is missing is looked for where its table is', async () => {
    await dir.write(
      'warder.toml',
      wholeConfig(dir.path).replace('node =', 'nodes =').replace('runDir = "/', 'runDir = "'),
    )
    await dir.write('conf.d/x.toml', '[log]\nlevel = "loud"\n')
    const found = await findings()
    expect(found.map(line => line.split(' ').slice(0, 2).join(' ').replace(/:$/, '')).sort()).to.deep.equal([
      'conf.d/x.toml:2:1 log.level',
      'warder.toml node',
      'warder.toml:1:1 nodes',
      'warder.toml:22:1 hsm.runDir',
    ])
  })

  it('tells of a file that is not TOML where it stops to be', async () => {
    await dir.write('conf.d/x.toml', 'a = 1\nb = [1,\n')
    const [first] = await findings()
    expect(first).to.match(/^conf\.d\/x\.toml:\d+:\d+ .*\.$/)
  })

  it('rejects with the first finding, and says how many more there are', async () => {
    await dir.write('conf.d/x.toml', 'nodee = "x"\nlisten.prot = 2\n')
    const error = await loadConfig(dir.main).catch((cause: unknown) => cause as Error & { code: string })
    expect(error).to.include({ code: 'config-invalid' })
    expect((error as Error).message).to.match(/x\.toml:\d:\d+: .*; did you mean \w+\? \(1 more: warder config check\)$/)
  })

  it('takes a user of the HSM hosts only together with the group that may use them', async () => {
    await dir.write('conf.d/x.toml', '[hsm]\nuser = "nobody"\n')
    expect(await findings()).to.deep.equal(['conf.d/x.toml:1:2 hsm: user and socketGroup belong together.'])
  })

  for (const key of ['"credential:"', '"credential:../x"', '"file:relative"', '"relative"', '"env:X"'])
    it(`takes no TLS key from ${key}`, async () => {
      await dir.write('conf.d/x.toml', `[tls]\nkey = ${key}\n`)
      expect((await findings())[0]).to.match(
        /^conf\.d\/x\.toml:2:1 tls\.key: must be an absolute path, file:\/path or credential:name/,
      )
    })
})
