import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ciphertext, type KeyProvider, type KeySpec, type Op, WarderError } from '@warder/contract'
import { createSoftHsmToken, plugin } from '@warder/hsm-pkcs11'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { serveProvider, type HsmHost } from '../../src/hsm/host.ts'
import { keepLog } from './support/kept-log.ts'
import { makeRunDir } from './support/run-dir.ts'

// of Debian's opensc: hands every call on, and writes down which it was
const spy = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/pkcs11-spy.so`
const op = (tenant = ''): Op => ({ signal: new AbortController().signal, tenant })
const count = 40

describe('runs on a SoftHSM token', function () {
  this.timeout(120_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let provider: KeyProvider
  let host: HsmHost
  let client: HsmClient
  let written: string

  before(async () => {
    dir = await makeRunDir()
    const token = join(dir.path, 'token')
    await mkdir(token, { mode: 0o700 })
    const config = await createSoftHsmToken(token)
    written = join(dir.path, 'spy.log')
    const environment = { ...config.environment, PKCS11SPY: config.module, PKCS11SPY_OUTPUT: written }
    const log = keepLog()
    provider = await plugin.open({ ...config, module: spy, environment }, { log, now: () => new Date() }, op())
    host = await serveProvider(provider, { socketPath: join(dir.path, 'hsm-0.sock'), log })
    client = connectHsm({ runDir: dir.path, hosts: 1 })
    await client.ready(op())
  })
  after(async () => {
    await client?.[Symbol.asyncDispose]()
    await host?.close()
    await provider?.[Symbol.asyncDispose]()
    await dir.remove()
  })

  const make = (algorithm: KeySpec['algorithm'], usage: KeySpec['usage'], custody: KeySpec['custody']) =>
    client.generate({ algorithm, usage, custody, exportable: false, id: randomBytes(16).toString('hex') }, op())
  const calls = async (name: string) => {
    const lines = (await readFile(written, 'utf8')).split('\n')
    return lines.filter(line => line.trim().endsWith(`: ${name}`)).length
  }
  const counted = async (name: string, run: () => Promise<void>) => {
    const before = await calls(name)
    await run()
    return (await calls(name)) - before
  }
  const each = <T>(one: (n: number) => Promise<T>) =>
    Promise.allSettled(Array.from({ length: count }, (_, n) => one(n)))

  for (const [algorithm, name] of [
    ['P-256', 'ES256'],
    ['RSA-2048', 'RS256'],
  ] as const) {
    for (const custody of ['resident', 'sealed'] as const) {
      it(`each call of two tenants with a ${custody} ${algorithm} key signs its own digest, once`, async () => {
        const { ref, spki } = await make(algorithm, 'sign', custody)
        const messages = Array.from({ length: count }, () => randomBytes(32))
        const digests = messages.map(message => createHash('sha256').update(message).digest())
        const key = createPublicKey({ key: Buffer.from(spki!), format: 'der', type: 'spki' })
        const signed = await counted('C_Sign', async () => {
          const made = await each(n => client.sign(ref, name, digests[n]!, op(`tenant ${n % 2}`)))
          for (const [n, one] of made.entries()) {
            const signature = one.status === 'fulfilled' ? one.value : new Uint8Array(64)
            expect(verify('sha256', messages[n]!, { key, dsaEncoding: 'ieee-p1363' }, signature)).to.equal(true)
          }
        })
        expect(signed).to.equal(count)
      })
    }
  }

  for (const custody of ['resident', 'sealed'] as const) {
    it(`a wrong tag among good ones fails alone under a ${custody} key, and nothing is opened twice`, async () => {
      const { ref } = await make('AES-256', 'encrypt', custody)
      const [plaintexts, aad] = [Array.from({ length: count }, () => randomBytes(100)), randomBytes(20)]
      const made = await each(n => client.encrypt(ref, plaintexts[n]!, aad, op()))
      const inputs = made.map((one): Ciphertext => {
        if (one.status === 'rejected') throw one.reason
        return { algorithm: 'A256GCM', aad, ...one.value }
      })
      expect(new Set(inputs.map(input => ('iv' in input ? Buffer.from(input.iv).toString('hex') : ''))).size).to.equal(
        count,
      )
      const wrong = new Set([3, 4, count - 1])
      for (const n of wrong) inputs[n]!.ciphertext[0]! ^= 1
      const opened = await counted('C_Decrypt', async () => {
        const answers = await each(n => client.decrypt(ref, inputs[n]!, op(`tenant ${n % 2}`)))
        for (const [n, one] of answers.entries()) {
          if (one.status === 'fulfilled') expect(plaintexts[n]!.equals(one.value)).to.equal(true)
          else expect(WarderError.is(one.reason, 'decryption-failed')).to.equal(true)
          expect(one.status).to.equal(wrong.has(n) ? 'rejected' : 'fulfilled')
        }
      })
      expect(opened).to.equal(count)
    })

    it(`a run of MACs with a ${custody} key is each what it is alone`, async () => {
      const { ref } = await make('HMAC-SHA-256', 'mac', custody)
      const inputs = Array.from({ length: count }, () => randomBytes(32))
      const together = await each(n => client.mac(ref, inputs[n]!, op()))
      for (const [n, one] of together.entries()) {
        const alone = await client.mac(ref, inputs[n]!, op())
        expect(one).to.deep.equal({ status: 'fulfilled', value: alone })
      }
    })
  }

  it('a key that is not there is missing for each call that asked for it, and for no other', async () => {
    const { ref } = await make('P-256', 'sign', 'resident')
    const missing = { ...ref, id: randomBytes(16).toString('hex') }
    const made = await each(n => client.sign(n % 2 === 0 ? ref : missing, 'ES256', randomBytes(32), op()))
    for (const [n, one] of made.entries()) {
      if (n % 2 === 0) expect(one.status).to.equal('fulfilled')
      else expect(one.status === 'rejected' && WarderError.is(one.reason, 'hsm-key-missing')).to.equal(true)
    }
  })
})
