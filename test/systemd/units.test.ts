import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { root } from '../support/files.ts'

const run = promisify(execFile)
const units = join(root, 'systemd')
const text = (name: string) => readFile(join(units, name), 'utf8')

describe('the systemd units', function () {
  this.timeout(60_000)
  let dir = ''

  // What is verified must find its programs, and this machine need not have the package installed.
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warder-units-'))
    const unitDirectory = join(dir, 'lib/systemd/system')
    await mkdir(unitDirectory, { recursive: true })
    await mkdir(join(dir, 'usr/bin'), { recursive: true })
    for (const name of ['warder', 'warder-hsm']) {
      const program = join(dir, 'usr/bin', name)
      await writeFile(program, '#!/bin/sh\n')
      await chmod(program, 0o755)
    }
    for (const name of ['warder.service', 'warder.socket', 'warder-hsm.service']) {
      const unit = await text(name)
      await writeFile(
        join(unitDirectory, name),
        unit.replaceAll('=/usr/bin/', `=${join(dir, 'usr/bin')}/`).replaceAll(/^Documentation=.*$/gm, ''),
      )
    }
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const verify = async (drop?: { readonly unit: string; readonly example: string }) => {
    const copy = await mkdtemp(join(dir, 'verify-'))
    await cp(join(dir, 'lib/systemd/system'), copy, { recursive: true })
    if (drop !== undefined) {
      await mkdir(join(copy, `${drop.unit}.d`))
      await writeFile(join(copy, `${drop.unit}.d`, drop.example), await text(`examples/${drop.example}`))
    }
    const files = ['warder.service', 'warder.socket', 'warder-hsm.service'].map(name => join(copy, name))
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', ...files], {
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${copy}:` },
    })
    return stderr
  }

  it('are what systemd understands, without a complaint', async () => {
    expect(await verify()).to.equal('')
  })

  for (const [unit, example] of [
    ['warder.service', 'database-over-tcp.conf'],
    ['warder.service', 'tracing.conf'],
    ['warder-hsm.service', 'network-hsm.conf'],
    ['warder-hsm.service', 'hsm-device.conf'],
    ['warder-hsm.service', 'operator-pin.conf'],
    ['warder.service', 'encrypted-tls-key.conf'],
    ['warder-hsm.service', 'encrypted-hsm-pin.conf'],
  ] as const)
    it(`are so with the drop-in ${example}`, async () => {
      expect(await verify({ unit, example })).to.equal('')
    })

  it('are given encrypted credentials by their drop-ins in place of those in clear, under the same names', async () => {
    for (const [unit, example] of [
      ['warder.service', 'encrypted-tls-key.conf'],
      ['warder-hsm.service', 'encrypted-hsm-pin.conf'],
    ] as const) {
      const name = /^LoadCredential=([\w-]+):/m.exec(await text(unit))?.[1] ?? ''
      const directives = (await text(`examples/${example}`)).split('\n').filter(line => /^[A-Z]\w+=/.test(line))
      expect(directives).to.deep.equal([
        'LoadCredential=',
        `LoadCredentialEncrypted=${name}:/etc/credstore.encrypted/warder.${name}`,
      ])
    }
  })

  for (const name of ['warder.service', 'warder-hsm.service'])
    it(`${name} is exposed by 0.5 of 10 or less`, async () => {
      const { stdout } = await run('systemd-analyze', ['security', '--offline=yes', '--no-pager', join(units, name)])
      const [, level] = /Overall exposure level for .*: ([\d.]+) /.exec(stdout) ?? []
      expect(Number(level)).to.be.lessThanOrEqual(0.5)
    })

  for (const name of ['warder.service', 'warder-hsm.service'])
    it(`${name} explains its directives: none stands without a comment in its paragraph`, async () => {
      const paragraphs = (await text(name)).split(/\n(?=#)|\n\n/)
      const bare = paragraphs.filter(each => /^[A-Z]\w+=/m.test(each) && !each.includes('# '))
      const plain = /^\[\w+\]$|^(Description|Documentation|User|Group)=/
      expect(bare.flatMap(each => each.split('\n')).filter(line => line !== '' && !plain.test(line))).to.deep.equal([])
    })

  it('gives each secret to one unit, and hides where it comes from from both', async () => {
    const [api, hsm] = [await text('warder.service'), await text('warder-hsm.service')]
    expect(api.match(/^LoadCredential=.*$/gm)).to.deep.equal(['LoadCredential=tls-key:/etc/warder/credentials/tls-key'])
    expect(hsm.match(/^LoadCredential=.*$/gm)).to.deep.equal(['LoadCredential=hsm-pin:/etc/warder/credentials/hsm-pin'])
    for (const unit of [api, hsm]) {
      expect(unit).to.match(/^InaccessiblePaths=-\/etc\/warder\/credentials -\/var\/lib\/warder-ca /m)
      expect(unit).to.match(/^PrivateNetwork=yes$/m)
      expect(unit).to.match(/^LimitCORE=0$/m)
      expect(unit).to.match(/^MemorySwapMax=0$/m)
      expect(unit).to.match(/^RestrictAddressFamilies=AF_UNIX$/m)
    }
    expect(/^User=(.*)$/m.exec(api)?.[1]).not.to.equal(/^User=(.*)$/m.exec(hsm)?.[1])
  })

  it('makes users and directories as systemd-sysusers and systemd-tmpfiles do, in an empty root', async () => {
    const target = join(dir, 'root')
    await mkdir(join(target, 'etc'), { recursive: true })
    await run('systemd-sysusers', [`--root=${target}`, join(units, 'sysusers.d/warder.conf')])
    const group = await readFile(join(target, 'etc/group'), 'utf8')
    expect(group).to.match(/^warder-hsm-clients:x:\d+:warder$/m)
    // only root can give files away
    if (process.getuid?.() !== 0) return
    await run('systemd-tmpfiles', [`--root=${target}`, '--create', join(units, 'tmpfiles.d/warder.conf')])
    const passwd = await readFile(join(target, 'etc/passwd'), 'utf8')
    const uid = (name: string) => Number(new RegExp(`^${name}:x:(\\d+):`, 'm').exec(passwd)?.[1])
    const clients = Number(/^warder-hsm-clients:x:(\d+):/m.exec(group)?.[1])
    const found = async (path: string) => {
      const { uid: owner, gid, mode } = await stat(join(target, path))
      return { owner, gid, mode: (mode & 0o7777).toString(8) }
    }
    expect(await found('run/warder-hsm')).to.deep.equal({ owner: uid('warder-hsm'), gid: clients, mode: '2750' })
    expect(await found('var/lib/warder')).to.include({ owner: uid('warder'), mode: '700' })
    expect(await found('var/lib/warder-ca')).to.include({ owner: 0, mode: '700' })
    expect(await found('etc/warder/credentials')).to.include({ owner: 0, mode: '700' })
  })
})
