import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pkcs11js from 'pkcs11js'
import type { SelfTestFinding } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../../src/config.ts'
import { findObjects } from '../../src/objects.ts'
import { selfTest } from '../../src/self-test/run.ts'
import { createSoftHsmToken } from '../../src/softhsm.ts'
import { rootKeyTemplate } from '../../src/templates.ts'
import { withRawToken } from '../raw-token.ts'
import { op, removeDirectory, spied, temporaryDirectory } from '../support.ts'

describe('the self-test of a token', () => {
  let directory: string
  let config: Config

  beforeEach(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(join(directory, 'token'))
  })
  afterEach(() => removeDirectory(directory))

  const look = async (change: Partial<Config> = {}) => {
    const findings = await selfTest({ ...config, ...change }, op)
    return { findings, of: (check: string) => findings.filter(finding => finding.check === check) }
  }
  const statuses = (findings: readonly SelfTestFinding[]) =>
    Object.fromEntries(findings.map(({ check, status }) => [check, status]))

  it('finds a good one well, apart from what it does not tell, and leaves nothing on it', async () => {
    const objects = () => withRawToken(config, (lib, session) => findObjects(lib, session, []).length)
    const before = await objects()
    const { findings } = await look()
    expect(findings.filter(({ status }) => status !== 'ok')).to.deep.equal([
      { check: 'space on the token', status: 'not-checked', found: 'the token does not tell' },
    ])
    expect(findings.map(({ check }) => check)).to.include.members([
      'login',
      'root keys',
      'wrap round trip',
      'known answer: AES-256-GCM',
      'known answer: AES key wrap with padding',
      'known answer: HMAC-SHA-512',
      'known answer: ECDSA P-256 verification',
      'random generator',
      'session limit',
    ])
    expect(await objects()).to.equal(before)
    expect(JSON.stringify(findings)).not.to.include((await readFile(join(directory, 'token/pin'), 'utf8')).trim())
  })

  it('says which algorithms are missing, and for want of what', async () => {
    config = await createSoftHsmToken(join(directory, 'other'), { mechanisms: '-CKM_EDDSA,CKM_AES_GCM' })
    const { of } = await look()
    expect(of('mechanisms').map(({ status, found }) => `${status}: ${found}`)).to.include(
      'note: no Ed25519 keys: CKM_EDDSA is missing',
    )
    expect(of('known answer: AES-256-GCM')).to.deep.equal([
      { check: 'known answer: AES-256-GCM', status: 'not-checked', found: 'the token does not offer CKM_AES_GCM' },
    ])
  })

  it('a module that is not there: a problem, and nothing after it is called well', async () => {
    const { findings, of } = await look({ module: join(directory, 'none.so') })
    expect(of('module')[0]).to.include({ status: 'problem' })
    expect(of('module')[0]?.fix).to.include('hsm.config.module')
    expect(new Set(findings.slice(1).map(({ status }) => status))).to.deep.equal(new Set(['not-checked']))
  })

  it('a token that is not there', async () => {
    const { of } = await look({ token: { label: 'another' } })
    expect(of('token')[0]).to.include({ status: 'problem', found: 'no such token is present' })
    expect(of('login')[0]).to.include({ status: 'not-checked' })
  })

  it('a refused PIN is a problem, is presented once, and is not presented again', async () => {
    await writeFile(join(directory, 'wrong'), 'wrong-pin\n', { mode: 0o600 })
    const spy = spied({ ...config, pin: { file: join(directory, 'wrong') } }, directory)
    for (let time = 0; time < 3; time++) {
      const findings = await selfTest(spy.config, op)
      expect(statuses(findings)).to.include({ login: 'problem', 'root keys': 'not-checked' })
      expect(JSON.stringify(findings)).not.to.include('wrong-pin')
    }
    expect(await spy.calls('C_Login')).to.equal(1)
  })

  it('a root key that is gone, and one that may do more than it should', async () => {
    await withRawToken(config, (lib, session) => {
      for (const key of findObjects(lib, session, [{ type: pkcs11js.CKA_LABEL, value: 'warder/kek/1' }]))
        lib.C_DestroyObject(session, key)
    })
    const gone = await look()
    expect(gone.of('root keys')[0]).to.include({ status: 'problem', found: 'root key warder/kek/1: missing' })
    expect(gone.of('wrap round trip')[0]).to.include({ status: 'not-checked' })
    await withRawToken(config, (lib, session) => {
      const template = rootKeyTemplate('kek', 1, Buffer.alloc(16, 1)).map(entry =>
        entry.type === pkcs11js.CKA_EXTRACTABLE ? { type: entry.type, value: true } : entry,
      )
      lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, template)
    })
    const { found, why } = (await look()).of('root keys')[0] ?? {}
    expect(found).to.equal('root key warder/kek/1: CKA_EXTRACTABLE is true')
    expect(why).to.include('more than it should')
  })
})
