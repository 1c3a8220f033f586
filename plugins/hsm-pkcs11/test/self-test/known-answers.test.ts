import { join } from 'node:path'
import { expect } from 'chai'
import type { Config } from '../../src/config.ts'
import type { Cryptoki, Handle, Mechanism } from '../../src/cryptoki.ts'
import { findToken } from '../../src/find-token.ts'
import { readMechanisms } from '../../src/probe.ts'
import { knownAnswerFindings } from '../../src/self-test/known-answers.ts'
import { measureSessions, sessionFinding } from '../../src/self-test/sessions.ts'
import { closeSession, readWrite } from '../../src/session-pool.ts'
import { createSoftHsmToken } from '../../src/softhsm.ts'
import { withRawToken } from '../raw-token.ts'
import { removeDirectory, temporaryDirectory } from '../support.ts'

/** A module in which some calls do something else. */
const broken = (lib: Cryptoki, calls: Readonly<Record<string, (...args: never[]) => unknown>>): Cryptoki =>
  new Proxy(lib, {
    get: (target, name) => {
      const member: unknown = calls[String(name)] ?? Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })

const flipped = (bytes: Buffer): Buffer => {
  const other = Buffer.from(bytes)
  other[0] = (other[0] ?? 0) ^ 1
  return other
}

function inSession<T>(lib: Cryptoki, { token }: Config, fn: (session: Handle) => T): T {
  const session = lib.C_OpenSession(findToken(lib, token).slot, readWrite)
  try {
    return fn(session)
  } finally {
    closeSession(lib, session)
  }
}

describe('known answers', () => {
  let directory: string
  let config: Config
  before(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(join(directory, 'token'))
  })
  after(() => removeDirectory(directory))

  const ask = (calls: (lib: Cryptoki) => Parameters<typeof broken>[1]) =>
    withRawToken(config, lib => {
      const mechanisms = readMechanisms(lib, findToken(lib, config.token).slot)
      const findings = knownAnswerFindings(broken(lib, calls(lib)), fn => inSession(lib, config, fn), mechanisms)
      return Object.fromEntries(findings.map(({ check, ...finding }) => [check.replace('known answer: ', ''), finding]))
    })

  const faults: readonly (readonly [string, string, (lib: Cryptoki) => Parameters<typeof broken>[1]])[] = [
    [
      'encrypts wrongly',
      'AES-256-GCM',
      lib => ({
        C_Encrypt: (session: Buffer, input: Buffer, out: Buffer) => flipped(lib.C_Encrypt(session, input, out)),
      }),
    ],
    [
      'wraps wrongly',
      'AES key wrap with padding',
      lib => ({
        C_WrapKey: (session: Buffer, mechanism: Mechanism, wrapper: Buffer, key: Buffer, out: Buffer) =>
          flipped(lib.C_WrapKey(session, mechanism, wrapper, key, out)),
      }),
    ],
    [
      'authenticates wrongly',
      'HMAC-SHA-384',
      lib => ({ C_Sign: (session: Buffer, input: Buffer, out: Buffer) => flipped(lib.C_Sign(session, input, out)) }),
    ],
    [
      'accepts every signature',
      'ECDSA P-256 verification',
      lib => ({
        C_Verify: (session: Buffer, data: Buffer, signature: Buffer) => {
          try {
            return lib.C_Verify(session, data, signature)
          } catch {
            return true
          }
        },
      }),
    ],
    [
      'fails in the middle of an operation',
      'HMAC-SHA-256',
      () => ({
        C_Sign: () => {
          throw new Error('CKR_FUNCTION_FAILED:6')
        },
      }),
    ],
    [
      'accepts no signature',
      'ECDSA P-256 verification',
      () => ({
        C_Verify: () => {
          throw new Error('CKR_SIGNATURE_INVALID:192')
        },
      }),
    ],
  ]
  for (const [fault, check, calls] of faults)
    it(`finds a token that ${fault}`, async () => {
      const found = await ask(calls)
      expect(found[check]?.status).to.equal('problem')
      expect(found[check]?.fix).to.be.a('string')
    })

  it('asks a token that takes no key from outside to make one that it shows, and compares with node:crypto', async () => {
    const found = await ask(() => ({
      C_CreateObject: () => {
        throw new Error('CKR_TEMPLATE_INCONSISTENT:209')
      },
    }))
    expect(found['AES-256-GCM']).to.deep.include({ status: 'ok' })
    expect(found['AES-256-GCM']?.found).to.include('takes none from outside')
    expect(found['HMAC-SHA-256']).to.deep.include({ status: 'ok' })
    expect(found['ECDSA P-256 verification']).to.deep.include({ status: 'not-checked' })
  })

  it('does not call well what a token permits no way to look at', async () => {
    const refuse = (): never => {
      throw new Error('CKR_ATTRIBUTE_VALUE_INVALID:19')
    }
    const found = await ask(() => ({ C_CreateObject: refuse, C_GenerateKey: refuse }))
    expect(new Set(Object.values(found).map(({ status }) => status))).to.deep.equal(new Set(['not-checked']))
  })

  it('measures how many sessions there are to have, and closes them', async () => {
    await withRawToken(config, lib => {
      const { slot } = findToken(lib, config.token)
      let open = 0
      const few = broken(lib, {
        C_OpenSession: (...args: Parameters<Cryptoki['C_OpenSession']>) => {
          if (open >= 3) throw new Error('CKR_SESSION_COUNT:177')
          open++
          return lib.C_OpenSession(...args)
        },
        C_CloseSession: (session: Buffer) => {
          open--
          lib.C_CloseSession(session)
        },
      })
      const facts = measureSessions(few, slot, { told: Infinity, wanted: 8 })
      expect(facts).to.include({ opened: 3, limited: true })
      expect(open).to.equal(0)
      expect(sessionFinding(facts)).to.include({ status: 'warning' })
      expect(sessionFinding(facts).fix).to.include('sessions.max to 3')
      expect(sessionFinding(measureSessions(lib, slot, { told: 4, wanted: 8 }))).to.include({ status: 'note' })
    })
  })
})
