import { createHash, createHmac, createPublicKey, randomBytes, verify } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { Shell } from './support/cli.ts'

describe('warder sign, verify, encrypt, decrypt, mac and random', () => {
  let shell: Shell
  const small = Buffer.from('order 4711\n')
  const large = randomBytes(1_000_003)

  before(async function () {
    this.timeout(60_000)
    shell = await Shell.start()
    const keys = [
      ['orders', 'P-256'],
      ['cards', 'AES-256'],
      ['webhooks', 'HMAC-SHA-256'],
      ['boxes', 'RSA-2048', '--usage', 'encrypt'],
      ['edwards', 'Ed25519', '--custody', 'resident'],
    ]
    for (const [name = '', algorithm = '', ...more] of keys)
      await shell.ok(['key', 'create', name, '--algorithm', algorithm, ...more])
    await shell.write('small', small)
    await shell.write('large', large)
  })
  after(() => shell[Symbol.asyncDispose]())

  const publicKey = async (name: string) => createPublicKey(await shell.ok(['key', 'public', name]))

  describe('sign', () => {
    it('signs a small file, and prints base64', async () => {
      const printed = await shell.ok(['sign', 'small', '--key', 'orders'])
      expect(printed).to.match(/^[A-Za-z0-9+/]+=*\n$/)
      expect(verify('sha256', small, await publicKey('orders'), Buffer.from(printed, 'base64'))).to.equal(true)
    })

    it('signs a large file by its digest, as bytes into a file', async () => {
      expect(
        await shell.ok(['sign', 'large', '--key', 'orders', '--out', 'large.sig', '--encoding', 'binary']),
      ).to.equal('')
      const signature = await readFile(shell.path('large.sig'))
      expect(verify('sha256', large, await publicKey('orders'), signature)).to.equal(true)
    })

    it('signs standard input, in the other form', async () => {
      const { out } = await shell.run(['sign', '-', '--key', 'orders', '--form', 'raw', '--encoding', 'binary'], {
        stdin: small,
      })
      const key = { key: await publicKey('orders'), dsaEncoding: 'ieee-p1363' } as const
      expect(verify('sha256', small, key, out)).to.equal(true)
    })

    it('as JSON is what the appliance answered', async () => {
      expect(await shell.json(['sign', 'small', '--key', 'orders', '--algorithm', 'ES256', '--key-version', '1']))
        .to.include({ algorithm: 'ES256', version: 1, format: 'der' })
        .and.to.have.property('signature')
    })

    it('refuses a large file under an Ed25519 key, and says why', async () => {
      await shell.ok(['sign', 'small', '--key', 'edwards'])
      expect(await shell.refused(1, ['sign', 'large', '--key', 'edwards'])).to.include('EdDSA signs the message itself')
    })

    it('refuses a large file under a key that does not sign', async () => {
      expect(await shell.refused(1, ['sign', 'large', '--key', 'cards'])).to.include('This key makes no signatures')
      expect(await shell.refused(2, ['sign', 'small', '--key', 'cards'])).to.include('[usage-not-allowed]')
    })

    it('refuses an algorithm of another key, a file that is not there, and having no key named', async () => {
      expect(await shell.refused(2, ['sign', 'small', '--key', 'orders', '--algorithm', 'PS256'])).to.include(
        '[algorithm-mismatch]',
      )
      expect(await shell.refused(1, ['sign', 'nowhere', '--key', 'orders'])).to.include('nowhere does not exist')
      expect(await shell.refused(1, ['sign', 'small'])).to.include("required option '--key <name>' not specified")
    })
  })

  describe('verify', () => {
    it('says that a signature is valid with exit code 0, as base64 and as bytes', async () => {
      await shell.ok(['sign', 'small', '--key', 'orders', '--out', 'small.sig'])
      expect(await shell.ok(['verify', 'small', '--key', 'orders', '--signature', 'small.sig'])).to.equal(
        'VALID    ES256, version 1 of orders\n',
      )
      await shell.ok(['sign', 'large', '--key', 'orders', '--out', 'l.sig', '--encoding', 'binary'])
      await shell.ok(['verify', 'large', '--key', 'orders', '--signature', 'l.sig', '--algorithm', 'ES256'])
      expect(await shell.json(['verify', 'small', '--key', 'orders', '--signature', 'small.sig'])).to.include({
        valid: true,
      })
    })

    it('says that it is not with exit code 1', async () => {
      const args = ['verify', '-', '--key', 'orders', '--signature', 'small.sig']
      const { code, stdout, stderr } = await shell.run(args, { stdin: 'order 4712\n' })
      expect({ code, stdout, stderr }).to.deep.equal({ code: 1, stdout: 'INVALID\n', stderr: '' })
      const asJson = await shell.run([...args, '--format', 'json'], { stdin: 'order 4712\n' })
      expect(asJson.code).to.equal(1)
      expect(JSON.parse(asJson.stdout)).to.include({ valid: false })
    })

    it('says which version was tried, and how to try an older one, when nobody named one', async () => {
      await shell.ok(['key', 'create', 'yearly', '--algorithm', 'P-256'])
      await shell.ok(['sign', 'small', '--key', 'yearly', '--out', 'first.sig'])
      await shell.ok(['key', 'rotate', 'yearly'])
      const args = ['verify', 'small', '--key', 'yearly', '--signature', 'first.sig']
      const newest = await shell.run(args)
      expect(newest).to.include({ code: 1, stdout: 'INVALID\n' })
      expect(newest.stderr).to.include('version 2 was tried').and.to.include('--key-version')
      expect(await shell.ok([...args, '--key-version', '1'])).to.equal('VALID    ES256, version 1 of yearly\n')
      const { stderr } = await shell.run([...args, '--key-version', '2'])
      expect(stderr).to.equal('')
    })

    it('tells a mistake from a wrong signature', async () => {
      expect(await shell.refused(2, ['verify', 'small', '--key', 'nothing', '--signature', 'small.sig'])).to.include(
        '[key-not-found]',
      )
      expect(await shell.refused(1, ['verify', 'small', '--key', 'orders', '--signature', 'gone'])).to.include(
        'gone does not exist',
      )
    })
  })

  describe('encrypt and decrypt', () => {
    it('carry a small file there and back', async () => {
      await shell.ok(['encrypt', 'small', '--key', 'cards', '--aad', 'customer 42', '--out', 'small.enc'])
      expect(await readFile(shell.path('small.enc'), 'latin1')).to.match(/^AQAAAA[A-Za-z0-9+/]+=*\n$/)
      const { out } = await shell.run(['decrypt', 'small.enc', '--key', 'cards', '--aad', 'customer 42'])
      expect(out.equals(small)).to.equal(true)
    })

    it('as JSON are what the appliance answered', async () => {
      const { ciphertext } = await shell.json<{ ciphertext: string }>(['encrypt', 'small', '--key', 'cards'])
      const opened = await shell.json<{ plaintext: string }>(['decrypt', '--key', 'cards'], { stdin: ciphertext })
      expect(opened).to.deep.equal({ plaintext: small.toString('base64'), version: 1 })
    })

    it('carry a large file there and back, in the file format', async () => {
      await shell.ok(['encrypt', 'large', '--key', 'cards', '--aad', 'ctx', '--out', 'large.enc'])
      const [header = ''] = (await readFile(shell.path('large.enc'), 'latin1')).split('\n')
      expect(JSON.parse(header)).to.include({ format: 'warder-file-v1', space: 'default', key: 'cards', version: 1 })
      expect(await shell.ok(['decrypt', 'large.enc', '--key', 'cards', '--aad', 'ctx', '--out', 'large.dec'])).to.equal(
        '',
      )
      expect((await readFile(shell.path('large.dec'))).equals(large)).to.equal(true)
      expect((await stat(shell.path('large.dec'))).mode & 0o777).to.equal(0o600)
    })

    it('still decrypt what was encrypted before a rotation', async () => {
      await shell.ok(['key', 'rotate', 'cards'])
      const { out } = await shell.run(['decrypt', 'large.enc', '--key', 'cards', '--aad', 'ctx'])
      expect(out.equals(large)).to.equal(true)
    })

    it('use the file format for a small one when asked to, and read it from standard input', async () => {
      const { out: sealed } = await shell.run(['encrypt', '--key', 'cards', '--envelope'], { stdin: small })
      const { out } = await shell.run(['decrypt', '--key', 'cards'], { stdin: sealed })
      expect(out.equals(small)).to.equal(true)
    })

    it('refuse a large file that was changed or cut, and leave no output behind', async () => {
      const sealed = await readFile(shell.path('large.enc'))
      const changed = Buffer.from(sealed)
      changed[500_000] = (changed[500_000] ?? 0) ^ 1
      await shell.write('changed.enc', changed)
      await shell.write('cut.enc', sealed.subarray(0, 600_000))
      for (const file of ['changed.enc', 'cut.enc']) {
        const said = await shell.refused(1, ['decrypt', file, '--key', 'cards', '--aad', 'ctx', '--out', 'never'])
        expect(said).to.include('This was changed since it was encrypted, or is not all of it')
      }
      expect(await stat(shell.path('never')).catch(() => 'gone')).to.equal('gone')
    })

    it('have one answer for the wrong key, the wrong additional data and garbage', async () => {
      await shell.ok(['key', 'create', 'other', '--algorithm', 'AES-256'])
      const attempts = [
        ['small.enc', '--key', 'other', '--aad', 'customer 42'],
        ['small.enc', '--key', 'cards', '--aad', 'customer 43'],
        ['large.enc', '--key', 'other', '--aad', 'ctx'],
      ]
      for (const args of attempts) {
        expect(await shell.refused(2, ['decrypt', ...args]))
          .to.include('[decryption-failed]')
          .and.include('--aad')
      }
    })

    it('encrypt under an RSA key, one block or a file', async () => {
      await shell.ok(['encrypt', 'small', '--key', 'boxes', '--out', 'small.rsa', '--encoding', 'binary'])
      const { out } = await shell.run(['decrypt', 'small.rsa', '--key', 'boxes'])
      expect(out.equals(small)).to.equal(true)
      expect(await shell.refused(1, ['encrypt', 'large', '--key', 'boxes', '--algorithm', 'RSA-OAEP-256'])).to.include(
        'leave --algorithm and --key-version out',
      )
      await shell.ok(['encrypt', 'large', '--key', 'boxes', '--out', 'large.rsa'])
      await shell.ok(['key', 'rotate', 'boxes'])
      expect((await shell.run(['decrypt', 'large.rsa', '--key', 'boxes'])).out.equals(large)).to.equal(true)
    })

    it('refuse to replace a file, before anything is encrypted', async () => {
      expect(await shell.refused(1, ['encrypt', 'large', '--key', 'cards', '--out', 'small.enc'])).to.include('--force')
    })
  })

  describe('mac', () => {
    it('makes a MAC in each encoding and checks each', async () => {
      for (const encoding of ['base64', 'hex', 'binary']) {
        const file = `mac.${encoding}`
        await shell.ok(['mac', 'small', '--key', 'webhooks', '--encoding', encoding, '--out', file])
        expect(await shell.ok(['mac', 'small', '--key', 'webhooks', '--verify', file])).to.equal(
          'VALID    version 1 of webhooks\n',
        )
      }
      expect(await shell.json(['mac', 'small', '--key', 'webhooks'])).to.have.all.keys('mac', 'version')
    })

    it('is the HMAC that others compute', async () => {
      const secret = randomBytes(32)
      await shell.write('secret', secret)
      await shell.ok(['key', 'import', 'brought', 'secret', '--algorithm', 'HMAC-SHA-256'])
      const expected = createHmac('sha256', secret).update(small).digest('hex')
      expect(await shell.ok(['mac', 'small', '--key', 'brought', '--encoding', 'hex'])).to.equal(`${expected}\n`)
    })

    it('says that one is not valid with exit code 1', async () => {
      const { code, stdout } = await shell.run(['mac', '--key', 'webhooks', '--verify', 'mac.hex'], { stdin: 'other' })
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: 'INVALID\n' })
    })

    it('refuses a large file and a key of another kind', async () => {
      expect(await shell.refused(1, ['mac', 'large', '--key', 'webhooks'])).to.include(
        'large is longer than 65536 bytes',
      )
      expect(await shell.refused(2, ['mac', 'small', '--key', 'orders'])).to.include('[usage-not-allowed]')
    })
  })

  describe('random', () => {
    it('writes as many bytes as asked for, and others each time', async () => {
      const { out } = await shell.run(['random', '4096', '--encoding', 'binary'])
      expect(out).to.have.lengthOf(4096)
      const first = await shell.ok(['random', '32', '--encoding', 'hex'])
      expect(first).to.match(/^[0-9a-f]{64}\n$/)
      expect(await shell.ok(['random', '32', '--encoding', 'hex'])).to.not.equal(first)
      expect(createHash('sha256').update(out).digest('hex')).to.not.equal(
        createHash('sha256').update(Buffer.alloc(4096)).digest('hex'),
      )
    })

    it('as JSON is base64', async () => {
      expect(Buffer.from((await shell.json<{ bytes: string }>(['random', '16'])).bytes, 'base64')).to.have.lengthOf(16)
    })

    it('refuses more than the HSM gives at once', async () => {
      expect(await shell.refused(1, ['random', '4097'])).to.include('must be a whole number from 1 to 4096')
    })
  })
})
