import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { run } from '../cli/support/cli.ts'
import { Site, administrator, backUp, signs } from '../recovery/support/site.ts'

const openssl = (...args: readonly string[]): Promise<unknown> => promisify(execFile)('openssl', args)

/** What docs/backup.md tells an operator to do, with the tools it names. */
describe('the drill of docs/backup.md', function () {
  this.timeout(180_000)
  let site: Site
  let offline: string
  before(async () => {
    site = await Site.make()
    offline = await mkdtemp(join(tmpdir(), 'warder-offline-'))
    await mkdir(join(offline, 'config'))
  })
  after(async () => {
    await site[Symbol.asyncDispose]()
    await rm(offline, { recursive: true, force: true })
  })

  it('brings an appliance back whose data is lost, from a file and a key that openssl made', async () => {
    const key = join(offline, 'backup-recipient.key')
    const publicKey = join(offline, 'backup-recipient.pem')
    const passphrase = join(offline, 'passphrase')
    await writeFile(passphrase, 'a long passphrase\n', { mode: 0o600 })
    const bits = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072']
    await openssl('genpkey', ...bits, '-aes256', '-pass', `file:${passphrase}`, '-out', key)
    await openssl('pkey', '-in', key, '-passin', `file:${passphrase}`, '-pubout', '-out', publicKey)
    const der = join(offline, 'spki')
    await openssl('pkey', '-pubin', '-in', publicKey, '-outform', 'DER', '-out', der)
    const recipient = await readFile(der)

    const file = join(offline, 'appliance.wb')
    await site.engine(
      async engine => {
        await engine.keys.create(administrator, 'default', { name: 'orders', algorithm: 'P-256' })
        await backUp(engine, file)
      },
      { recipient },
    )
    const args = ['--recipient-key', key, '--passphrase-file', passphrase]
    const verified = await run(offline, ['backup', 'verify', file, ...args])
    expect(verified.code, verified.stderr).to.equal(0)
    const sha256 = /^sha256 +([0-9a-f]{64})$/m.exec(verified.stdout)?.[1] ?? ''

    await site.loseData()
    const { stderr } = await site.ok(['restore', '--from', file, ...args])
    expect(stderr).to.include(`the backup has SHA-256 ${sha256}`)
    expect((await site.ok(['verify', 'store'])).stdout).to.match(/^VERIFIED/)
    expect((await run(offline, ['audit', 'verify', '--dir', site.dataDir])).stdout).to.match(/^VERIFIED/)
    await site.engine(async engine => expect(await signs(engine, 'default', 'orders')).to.equal(true))
  })
})
