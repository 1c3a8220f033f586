import { execFile } from 'node:child_process'
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { KeyAlgorithm, KeyUsage, ResidentRef } from '@warder/contract'
import { createSoftHsmToken } from '@warder/hsm-pkcs11'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { parseSupervisorConfig } from '../../src/hsm/config.ts'
import { startSupervisor, type Supervisor } from '../../src/hsm/supervisor.ts'
import { keepLog } from './support/kept-log.ts'
import { watchLoop } from './support/loop-delay.ts'
import { makeRunDir } from './support/run-dir.ts'
import { startSupervised, type Supervised } from './support/supervised.ts'
import { until } from './support/until.ts'

const op = () => ({ signal: new AbortController().signal })
const newId = () => randomBytes(16).toString('hex')
const message = Buffer.from('a message to be signed')
const digest = createHash('sha256').update(message).digest()

const verifies = (spki: Uint8Array, signature: Uint8Array) =>
  verify(
    'sha256',
    message,
    { key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), dsaEncoding: 'ieee-p1363' },
    signature,
  )

describe('signing on a SoftHSM token through two hosts', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let supervisor: Supervised
  let client: HsmClient

  before(async () => {
    dir = await makeRunDir()
    const token = join(dir.path, 'token')
    await mkdir(token, { mode: 0o700 })
    const plugin = { specifier: '@warder/hsm-pkcs11', config: await createSoftHsmToken(token) }
    supervisor = await startSupervised(parseSupervisorConfig({ runDir: dir.path, plugin }))
    client = connectHsm({ runDir: dir.path, hosts: 2 })
    await bothConnected()
  })
  after(async () => {
    await client?.[Symbol.asyncDispose]()
    await supervisor?.stop()
    await dir.remove()
  })
  const bothConnected = () => until('both hosts', async () => (await client.health(op())).detail.startsWith('2 of 2'))

  it('loads the PKCS#11 module in the hosts, and not in the process that uses them', async () => {
    for (const { pid } of await supervisor.hosts()) {
      expect(await readFile(`/proc/${pid}/maps`, 'utf8')).to.include('libsofthsm2')
    }
    const main = fileURLToPath(new URL('./support/client-main.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, main, dir.path])
    expect(stdout)
      .to.include('node')
      .and.not.to.match(/pkcs11|softhsm/)
  })

  for (const custody of ['resident', 'sealed'] as const) {
    it(`signs with a ${custody} key, whichever host made it`, async () => {
      const { ref, spki } = await client.generate(
        { algorithm: 'P-256', usage: 'sign', custody, exportable: false, id: newId() },
        op(),
      )
      const signatures = await Promise.all(Array.from({ length: 64 }, () => client.sign(ref, 'ES256', digest, op())))
      for (const signature of signatures) expect(verifies(spki!, signature)).to.equal(true)
    })
  }

  it('signs sixteen inputs in one call, each in its place, and no more', async () => {
    for (const custody of ['resident', 'sealed'] as const) {
      for (const [key, algorithm] of [
        ['Ed25519', 'EdDSA'],
        ['RSA-2048', 'RS256'],
      ] as const) {
        if (key === 'Ed25519' && custody === 'sealed') continue
        const spec = { algorithm: key, usage: 'sign', custody, exportable: false, id: newId() } as const
        const { ref, spki } = await client.generate(spec, op())
        const publicKey = createPublicKey({ key: Buffer.from(spki!), format: 'der', type: 'spki' })
        const messages = Array.from({ length: 16 }, (_, index) => Buffer.from(`message ${index}`))
        const inputs = messages.map(each => (key === 'Ed25519' ? each : createHash('sha256').update(each).digest()))
        const signatures = await client.signAll!(ref, algorithm, inputs, op())
        const hash = key === 'Ed25519' ? null : 'sha256'
        for (const [index, each] of messages.entries()) {
          expect(verify(hash, each, publicKey, signatures[index]!), `${key} ${index}`).to.equal(true)
        }
        const seventeen = Array.from({ length: 17 }, () => inputs[0]!)
        const refused = await client.signAll!(ref, algorithm, seventeen, op()).catch((error: unknown) => error)
        expect(refused).to.include({ code: 'malformed-request' })
      }
    }
  })

  it('opens, on every host, what any host encrypted, wrapped and MACed, up to 64 KiB', async () => {
    const make = async (algorithm: KeyAlgorithm, usage: KeyUsage) => {
      const spec = { algorithm, usage, custody: 'sealed', exportable: false, id: newId() } as const
      return (await client.generate(spec, op())).ref
    }
    const onEach = async (call: () => Promise<Uint8Array>, expected: Uint8Array) => {
      const answers = await Promise.all(Array.from({ length: 24 }, call))
      for (const answer of answers) expect(Buffer.from(expected).equals(answer)).to.equal(true)
    }
    const cipher = await make('AES-256', 'encrypt')
    for (const length of [0, 1, 65_536]) {
      const [plaintext, aad] = [randomBytes(length), randomBytes(length)]
      const input = { algorithm: 'A256GCM', aad, ...(await client.encrypt(cipher, plaintext, aad, op())) } as const
      await onEach(() => client.decrypt(cipher, input, op()), plaintext)
    }
    const wrapper = await make('AES-256', 'wrap')
    const bytes = randomBytes(4096)
    const wrapped = await client.wrap(wrapper, bytes, op())
    await onEach(() => client.unwrap(wrapper, wrapped, op()), bytes)
    const hmac = await make('HMAC-SHA-512', 'mac')
    const data = randomBytes(65_536)
    const mac = await client.mac(hmac, data, op())
    await onEach(() => client.mac(hmac, data, op()), mac)
  })

  it('a root key that one host made is every host’s newest', async () => {
    const spec = { algorithm: 'AES-256', usage: 'encrypt', custody: 'sealed', exportable: false } as const
    const before = await client.newestRootKey(op())
    expect(await client.createRootKey(op())).to.equal(before + 1)
    const keys = await Promise.all(Array.from({ length: 24 }, () => client.generate({ ...spec, id: newId() }, op())))
    for (const { ref } of keys) expect(ref).to.have.property('rootKey', before + 1)
  })

  it('opens a store secret that another host sealed', async () => {
    const secret = randomBytes(32)
    const sealed = await client.sealStoreSecret(secret, op())
    const opened = await Promise.all(Array.from({ length: 8 }, () => client.openStoreSecret(sealed, op())))
    for (const one of opened) expect(Buffer.from(one).equals(secret)).to.equal(true)
  })

  it('a key that is destroyed is gone for both hosts', async () => {
    const id = newId()
    const { ref } = await client.generate(
      { algorithm: 'P-256', usage: 'sign', custody: 'resident', exportable: false, id },
      op(),
    )
    await Promise.all(Array.from({ length: 16 }, () => client.sign(ref, 'ES256', digest, op())))
    await client.destroy(ref as ResidentRef, op())
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, () =>
        client.sign(ref, 'ES256', digest, op()).then(
          () => 'signed',
          (error: { code: string }) => error.code,
        ),
      ),
    )
    expect(new Set(outcomes)).to.deep.equal(new Set(['hsm-key-missing']))
  })

  it('a host killed under load: every call is answered or typed, and service is whole again within 10 s', async () => {
    const { ref, spki } = await client.generate(
      { algorithm: 'P-256', usage: 'sign', custody: 'sealed', exportable: false, id: newId() },
      op(),
    )
    const codes = new Map<string, number>()
    const count = (code: string) => codes.set(code, (codes.get(code) ?? 0) + 1)
    let slowest = 0
    let running = true
    const caller = async () => {
      while (running) {
        const began = performance.now()
        try {
          const signature = await client.sign(ref, 'ES256', digest, op())
          count(verifies(spki!, signature) ? 'signed' : 'wrong')
        } catch (error) {
          count((error as { code: string }).code)
        }
        slowest = Math.max(slowest, performance.now() - began)
      }
    }
    const callers = Array.from({ length: 16 }, caller)
    await until('load', () => (codes.get('signed') ?? 0) > 100)
    const pid = (await supervisor.hosts())[0]!.pid!
    const stopWatching = watchLoop()
    const killedAt = performance.now()
    process.kill(pid, 'SIGKILL')
    await until('loss noticed', () => codes.has('hsm-unavailable'), 2000)
    await bothConnected()
    const wholeAfter = performance.now() - killedAt
    const delay = stopWatching()
    running = false
    await Promise.all(callers)
    expect([...codes.keys()].toSorted()).to.deep.equal(['hsm-unavailable', 'signed'])
    expect(wholeAfter).to.be.below(10_000)
    expect(slowest).to.be.below(2000)
    expect(delay.busyMs, JSON.stringify(delay)).to.be.below(50)
  })
})

describe('a SoftHSM token that refuses the PIN', function () {
  this.timeout(60_000)

  it('is asked once, by one host, and never again', async () => {
    const dir = await makeRunDir()
    let supervisor: Supervisor | undefined
    try {
      const token = join(dir.path, 'token')
      await mkdir(token, { mode: 0o700 })
      const config = await createSoftHsmToken(token)
      if (!('file' in config.pin)) throw new TypeError('the PIN is in a file')
      await writeFile(config.pin.file, '00000000')
      const plugin = { specifier: '@warder/hsm-pkcs11', config }
      const log = keepLog()
      supervisor = await startSupervisor(parseSupervisorConfig({ runDir: dir.path, plugin }), log)
      await supervisor.settled
      expect(supervisor.status.state).to.equal('refused')
      expect(supervisor.status.hosts[0]!.error?.code).to.equal('pin-refused')
      // host 1 was never even started, though it would have been the next
      expect(supervisor.status.hosts.map(host => host.state)).to.deep.equal(['failed', 'waiting'])
      expect(log.lines.filter(line => line.message.includes('refused'))).to.have.length(1)
      expect(JSON.stringify([supervisor.status, log.lines])).not.to.include('00000000')
    } finally {
      await supervisor?.[Symbol.asyncDispose]()
      await dir.remove()
    }
  })
})
