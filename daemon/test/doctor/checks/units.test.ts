import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkUnits, judgeLoaded, judgeUnit } from '../../../src/doctor/checks/units.ts'
import type { DoctorContext } from '../../../src/doctor/context.ts'
import { thisMachine } from '../../../src/doctor/machine.ts'
import { differences, directivesOf } from '../../../src/systemd/unit-text.ts'
import { shippedUnits } from '../../../src/systemd/units.ts'

describe('doctor: the units', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warder-doctor-'))
    for (const name of ['etc', 'lib']) await mkdir(join(dir, name))
    for (const [name, text] of await shippedUnits()) await writeFile(join(dir, 'lib', name), text)
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const look = async (said?: string, file = '/etc/warder/warder.toml') => {
    const machine = {
      ...thisMachine,
      unitDirectories: [join(dir, 'etc'), join(dir, 'lib')],
      booted: join(dir, 'booted'),
      ask: () => Promise.resolve(said),
    }
    return checkUnits({ machine, file } as unknown as DoctorContext)
  }
  const worst = async (said?: string) => (await look(said)).filter(({ status }) => status !== 'ok')
  const running = 'NeedDaemonReload=no\nActiveState=active\n'

  it('are well as they were shipped, and loaded', async () => {
    expect(await worst(running)).to.deep.equal([])
    expect((await look(running)).map(({ check }) => check)).to.include.members(['units', 'units loaded'])
  })

  it('that systemctl does not tell of are not called loaded', async () => {
    expect(new Set((await worst()).map(({ status }) => status))).to.deep.equal(new Set(['not-checked']))
  })

  it('of another configuration are not looked at', async () => {
    expect(await look(running, '/srv/other.toml')).to.have.lengthOf(1)
    expect((await look(running, '/srv/other.toml'))[0]).to.include({ status: 'not-checked' })
  })

  it('one that was altered is named with what was changed; one that weakens it is a problem', async () => {
    const text = (await shippedUnits()).get('warder.service') ?? ''
    await writeFile(join(dir, 'etc/warder.service'), text.replace('WatchdogSec=30s', 'WatchdogSec=90s'))
    const [altered, ...others] = await worst(running)
    expect(altered).to.include({ status: 'warning', fix: 'systemctl revert warder.service' })
    expect(altered?.found).to.include('Service.WatchdogSec: 30s -> 90s')
    expect(others).to.deep.equal([])
    await writeFile(join(dir, 'etc/warder.service'), text.replace('LimitCORE=0', 'LimitCORE=infinity'))
    expect((await worst(running)).map(({ status }) => status)).to.deep.equal(['warning', 'problem'])
  })

  it('a drop-in is noted with what it says; one that gives privileges is a problem', async () => {
    await mkdir(join(dir, 'etc/warder.service.d'))
    const write = (text: string) => writeFile(join(dir, 'etc/warder.service.d/own.conf'), `[Service]\n${text}\n`)
    await write('PrivateNetwork=no')
    const noted = await worst(running)
    expect(noted.map(({ status }) => status)).to.deep.equal(['note'])
    expect(noted[0]?.found).to.include('own.conf: Service.PrivateNetwork: yes -> yes no')
    await write('AmbientCapabilities=CAP_SYS_ADMIN')
    expect((await worst(running)).map(({ status }) => status)).to.deep.equal(['note', 'problem'])
  })

  it('that are not installed are a warning where systemd runs, and not checked where it does not', () => {
    expect(judgeUnit('warder.service', '', undefined, true)[0]).to.include({ status: 'warning' })
    expect(judgeUnit('warder.service', '', undefined, false)[0]).to.include({ status: 'not-checked' })
  })

  it('that changed since systemd read them, or have failed, are told', () => {
    expect(judgeLoaded('warder.service', { needsReload: true, active: 'active' })).to.include({ status: 'warning' })
    expect(judgeLoaded('warder.service', { needsReload: false, active: 'failed' })).to.include({ status: 'problem' })
  })

  it('are compared by their directives: an empty value takes back, a list grows, comments do not count', () => {
    const before = directivesOf(['# A\n[Service]\nLoadCredential=a\nUMask=0077\n'])
    expect(differences(before, directivesOf(['[Service]\nLoadCredential = a\n# B\nUMask=0077']))).to.deep.equal([])
    const dropIn = '[Service]\nLoadCredential=\nLoadCredentialEncrypted=a:/b\n'
    expect(differences(before, directivesOf(['[Service]\nLoadCredential=a\nUMask=0077\n', dropIn]))).to.deep.equal([
      'Service.LoadCredential: a -> ',
      'Service.LoadCredentialEncrypted: not set -> a:/b',
    ])
  })
})
