import { readdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Machine } from './support/machine.ts'

const pin = 'only the operator knows'

describe('a token whose PIN is with the operator', function () {
  this.timeout(60_000)
  let machine: Machine
  let pinFile: string
  before(async () => {
    machine = await Machine.make({ separate: false, operator: true })
    pinFile = machine.file('pin')
    await writeFile(pinFile, `${pin}\n`, { mode: 0o600 })
  })
  after(() => machine[Symbol.asyncDispose]())

  const hsm = (...args: readonly string[]) => machine.run('warder-hsm', args)

  it('is not made without one, and says how to give it', async () => {
    const { code, stderr } = await hsm('init', '--new-token')
    expect([code, stderr.split('\n').slice(-3)]).to.deep.equal([
      1,
      ['warder-hsm: The PIN cannot be asked for here.', '  fix: --pin-file FILE, or - for stdin', ''],
    ])
  })

  it('is made with one, of which no copy stays', async () => {
    const before: readonly string[] = await readdir('/dev/shm').catch(() => [])
    const { code, stderr } = await hsm('init', '--new-token', '--pin-file', pinFile)
    expect(code, stderr).to.equal(0)
    expect(stderr).to.match(/initialised the token warder, serial \w+\n.*made the root keys/s)
    expect(await readdir(machine.file('etc/credentials'))).to.deep.equal(['hsm-so-pin'])
    const left = (await readdir('/dev/shm').catch(() => [])).filter(name => name.startsWith('warder-hsm-init-'))
    expect(left.filter(name => !before.includes(name))).to.deep.equal([])
    expect(stderr).to.not.include(pin)
    const again = await hsm('init', '--pin-file', pinFile)
    expect([again.code, again.stderr]).to.deep.equal([0, 'the token was prepared before; nothing was changed\n'])
  })

  it('is shown to who has it', async () => {
    const { code, stdout, stderr } = await hsm('inspect', '--pin-file', pinFile)
    expect(code, stderr).to.equal(0)
    expect(JSON.parse(stdout).token.label).to.equal('warder')
    expect((await hsm('inspect')).code).to.equal(1)
  })

  it('has a check that tells which drop-in the unit needs', async () => {
    const { stdout } = await machine.run('warder', ['config', 'check'])
    expect(stdout).to.include('warder-hsm.service.d/operator-pin.conf: This drop-in is needed')
    expect(await readFile(machine.config, 'utf8')).to.include('operator = true')
  })
})
