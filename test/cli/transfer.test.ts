import {
  createDecipheriv,
  createPrivateKey,
  constants,
  generateKeyPairSync,
  privateDecrypt,
  sign,
  verify,
} from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { fieldOf, Shell } from './support/cli.ts'

const pem = { type: 'pkcs8', format: 'pem' } as const
const publicPem = { type: 'spki', format: 'pem' } as const

describe('warder key import and export', function () {
  // each import has the token make an RSA-4096 key
  this.timeout(60_000)
  let shell: Shell
  const pairs = {
    ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  }
  const recipient = generateKeyPairSync('rsa', { modulusLength: 2048 })

  before(async () => {
    shell = await Shell.start()
    await shell.write('ec.pem', pairs.ec.privateKey.export(pem))
    await shell.write('sec1.pem', pairs.ec.privateKey.export({ type: 'sec1', format: 'pem' }))
    await shell.write('rsa.pem', pairs.rsa.privateKey.export(pem))
    await shell.write(
      'locked.pem',
      pairs.ec.privateKey.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'open sesame' }),
    )
    await shell.write('passphrase', 'open sesame\n')
    await shell.write('recipient.pem', recipient.publicKey.export(publicPem))
    await shell.write('message', 'a message')
  })
  after(() => shell[Symbol.asyncDispose]())

  it('brings private keys, which then sign as before', async () => {
    for (const [name, file, pair] of [
      ['elliptic', 'ec.pem', pairs.ec],
      ['older', 'sec1.pem', pairs.ec],
      ['rivest', 'rsa.pem', pairs.rsa],
    ] as const) {
      const shown = await shell.ok(['key', 'import', name, file, '--tag', 'from=elsewhere'])
      expect(fieldOf(shown, 'algorithm')).to.equal(file === 'rsa.pem' ? 'RSA-2048' : 'P-256')
      const { out } = await shell.run(['sign', 'message', '--key', name, '--encoding', 'binary'])
      const key = { key: pair.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      expect(verify('sha256', Buffer.from('a message'), file === 'rsa.pem' ? key : pair.publicKey, out), name).to.equal(
        true,
      )
    }
  })

  it('opens a private key that has a passphrase', async () => {
    const args = ['key', 'import', 'locked', 'locked.pem']
    expect(await shell.refused(1, args))
      .to.include('has a passphrase')
      .and.include('--passphrase-file FILE')
    expect(await shell.refused(1, [...args, '--passphrase-file', 'message'])).to.include('has another passphrase')
    expect(await shell.json([...args, '--passphrase-file', 'passphrase'])).to.include({
      name: 'locked',
      algorithm: 'P-256',
    })
  })

  it('brings the bytes of a secret key from standard input', async () => {
    const made = await shell.json(['key', 'import', 'secret', '-', '--algorithm', 'AES-256'], {
      stdin: Buffer.alloc(32, 7),
    })
    expect(made).to.include({ name: 'secret', algorithm: 'AES-256', exportable: false })
    expect(
      await shell.refused(2, ['key', 'import', 'short', '-', '--algorithm', 'AES-256'], { stdin: 'short' }),
    ).to.include('[')
  })

  it('refuses what is no key, a key of another algorithm than was said, and a name that was used', async () => {
    expect(await shell.refused(1, ['key', 'import', 'x', 'message']))
      .to.include('no private key as PEM')
      .and.include('--algorithm')
    expect(await shell.refused(1, ['key', 'import', 'x', 'recipient.pem'])).to.include('no private key as PEM')
    expect(await shell.refused(1, ['key', 'import', 'x', 'ec.pem', '--algorithm', 'RSA-2048'])).to.include(
      'private key of P-256',
    )
    expect(await shell.refused(1, ['key', 'import', 'x', 'nowhere.pem'])).to.include('nowhere.pem does not exist')
    expect(await shell.refused(2, ['key', 'import', 'elliptic', 'ec.pem'])).to.include('[key-exists]')
  })

  it('takes a key out to a recipient, who can open it', async () => {
    await shell.ok(['key', 'import', 'movable', 'ec.pem', '--exportable'])
    const args = ['key', 'export', 'movable', '--recipient', 'recipient.pem']
    const { code, stdout, stderr } = await shell.run([...args, '--out', 'moved', '--encoding', 'binary'])
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: '' })
    const oaep = /wrapped with (RSA-OAEP\S*)/.exec(stderr)?.[1] ?? ''
    const wrapped = await readFile(shell.path('moved'))
    const oaepHash = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256' }[oaep] ?? ''
    const once = privateDecrypt({ key: recipient.privateKey, oaepHash }, wrapped.subarray(0, 256))
    const unwrap = createDecipheriv('id-aes256-wrap-pad', once, Buffer.from('A65959A6', 'hex'))
    const opened = Buffer.concat([unwrap.update(wrapped.subarray(256)), unwrap.final()])
    const key = createPrivateKey({ key: opened, format: 'der', type: 'pkcs8' })
    expect(verify('sha256', Buffer.from('x'), pairs.ec.publicKey, sign('sha256', Buffer.from('x'), key))).to.equal(true)
    expect(await shell.json(args)).to.have.all.keys('wrapped', 'oaep', 'version')
  })

  it('refuses a key that was not made for it, and a recipient that is none', async () => {
    expect(await shell.refused(2, ['key', 'export', 'elliptic', '--recipient', 'recipient.pem']))
      .to.include('[not-exportable]')
      .and.include('--exportable')
    expect(await shell.refused(1, ['key', 'export', 'movable', '--recipient', 'rsa.pem']))
      .to.include('holds a private key')
      .and.include('openssl pkey -in rsa.pem -pubout')
    expect(await shell.refused(1, ['key', 'export', 'movable', '--recipient', 'message'])).to.include(
      'no public key as PEM',
    )
  })
})
