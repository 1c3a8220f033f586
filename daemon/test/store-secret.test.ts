import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import type { HsmClient } from '../src/hsm/client.ts'
import { createStoreSecretIfAbsent, keepStoreSecret, lacksSealing, openStoreSecret } from '../src/store-secret.ts'
import { rejection } from './hsm/support/until.ts'

const op = { signal: new AbortController().signal }

/** Tokens that each seal in a way of their own; which of them are in reach can be changed. */
function tokensOf(all: readonly string[], reach: { serials: readonly string[] }) {
  const keyOf = (serial: string) => 1 + all.indexOf(serial)
  const by = (serial: string, bytes: Uint8Array) => bytes.map(byte => byte ^ keyOf(serial))
  const openBy = async (serial: string, sealed: Uint8Array) => {
    const opened = by(serial, sealed.subarray(1))
    if (sealed[0] !== keyOf(serial)) throw new WarderError('hsm-failed', 'Not sealed by this token')
    return opened
  }
  const sealBy = async (serial: string, secret: Uint8Array) => Uint8Array.of(keyOf(serial), ...by(serial, secret))
  return {
    tokens: all.length,
    tokensInReach: async () => all.filter(serial => reach.serials.includes(serial)),
    random: async (length: number) => new Uint8Array(length).fill(9),
    sealStoreSecret: (secret: Uint8Array) => sealBy(all[0]!, secret),
    openStoreSecret: (sealed: Uint8Array) => openBy(all[0]!, sealed),
    sealStoreSecretBy: sealBy,
    openStoreSecretBy: openBy,
  } satisfies Partial<HsmClient>
}

describe('the store secret on disk', () => {
  const secret = new Uint8Array(32).fill(9)
  let dir: string
  const file = async () =>
    JSON.parse(await readFile(join(dir, 'store-secret.json'), 'utf8')) as { v: number; sealed: object }
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'warder-store-secret-'))))
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is in the form there always was where there is one token', async () => {
    const hsm = tokensOf(['A'], { serials: ['A'] })
    await createStoreSecretIfAbsent(dir, hsm, op)
    expect((await file()).v).to.equal(1)
    expect(await openStoreSecret(dir, hsm, op)).to.deep.equal(secret)
  })

  it('is sealed by each of several tokens in reach, and opens with any of them', async () => {
    const reach = { serials: ['A', 'B'] }
    const hsm = tokensOf(['A', 'B'], reach)
    await createStoreSecretIfAbsent(dir, hsm, op)
    expect(Object.keys((await file()).sealed)).to.have.members(['A', 'B'])
    for (const alone of ['A', 'B']) {
      reach.serials = [alone]
      expect(await openStoreSecret(dir, hsm, op)).to.deep.equal(secret)
    }
  })

  it('is sealed by a token that comes later as soon as it is there, the first one’s form included', async () => {
    await createStoreSecretIfAbsent(dir, tokensOf(['A'], { serials: ['A'] }), op)
    const reach = { serials: ['A'] }
    const hsm = tokensOf(['A', 'B'], reach)
    expect(await openStoreSecret(dir, hsm, op)).to.deep.equal(secret)
    expect(await lacksSealing(dir, hsm, op)).to.equal(true)
    reach.serials = ['A', 'B']
    expect(await openStoreSecret(dir, hsm, op)).to.deep.equal(secret)
    expect(await lacksSealing(dir, hsm, op)).to.equal(false)
    reach.serials = ['B']
    expect(await openStoreSecret(dir, hsm, op)).to.deep.equal(secret)
  })

  it('waits for a token that can open it while only others are there', async () => {
    await createStoreSecretIfAbsent(dir, tokensOf(['A'], { serials: ['A'] }), op)
    const reach = { serials: ['B'] }
    const opened = openStoreSecret(dir, tokensOf(['A', 'B'], reach), op)
    setTimeout(() => (reach.serials = ['A', 'B']), 300)
    expect(await opened).to.deep.equal(secret)
  })

  it('says so when all tokens are there and none has sealed it', async () => {
    await createStoreSecretIfAbsent(dir, tokensOf(['X', 'Y', 'A'].slice(2), { serials: ['A'] }), op)
    const others = tokensOf(['-', '-', 'C', 'D'].slice(0), { serials: ['C', 'D'] })
    expect((await rejection(openStoreSecret(dir, { ...others, tokens: 2 }, op))).code).to.equal('hsm-failed')
  })

  it('opens with the one token that is left of several', async () => {
    await createStoreSecretIfAbsent(dir, tokensOf(['A', 'B'], { serials: ['A', 'B'] }), op)
    const { sealStoreSecretBy, openStoreSecretBy, ...two } = tokensOf(['A', 'B'], { serials: ['B'] })
    const left = { ...two, tokens: 1, openStoreSecret: (sealed: Uint8Array) => openStoreSecretBy('B', sealed) }
    expect(await openStoreSecret(dir, left, op)).to.deep.equal(secret)
    expect(sealStoreSecretBy).to.be.a('function')
  })

  it('is not replaced by that of another appliance', async () => {
    const hsm = tokensOf(['A', 'B'], { serials: ['A', 'B'] })
    await keepStoreSecret(dir, secret, hsm, op)
    await keepStoreSecret(dir, secret, hsm, op)
    const other = new Uint8Array(32).fill(1)
    expect((await rejection(keepStoreSecret(dir, other, hsm, op))).code).to.equal('already-initialised')
  })

  it('is refused when it is damaged', async () => {
    await writeFile(join(dir, 'store-secret.json'), '{"v":2,"sealed":"AAAA"}')
    const hsm = tokensOf(['A', 'B'], { serials: ['A', 'B'] })
    expect((await rejection(openStoreSecret(dir, hsm, op))).code).to.equal('config-invalid')
  })
})
