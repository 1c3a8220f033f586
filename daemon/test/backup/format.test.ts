import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BackupPart } from '@warder/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { BackupFile } from '../../src/backup/open.ts'
import { encodeParts, decodeParts } from '../../src/backup/parts.ts'
import { readRootKeys } from '../../src/backup/read-root-keys.ts'
import { sealBackup } from '../../src/backup/seal.ts'

const hash = 'a'.repeat(64)
const secret: BackupPart = { part: 'store-secret', oaep: 'RSA-OAEP-256', bytes: Buffer.alloc(384, 1) }
const record = (n: number, length = 300): BackupPart => ({
  part: 'record',
  collection: 'keys',
  id: `k-${n}`,
  revision: n + 1,
  attributes: { space: 'default', tags: ['a', 'b'], scheduled: false, n },
  bytes: Buffer.alloc(length, n),
})
const rootKey = (number: number): BackupPart => ({
  part: 'root-key',
  purpose: 'export-kek',
  number,
  oaep: 'RSA-OAEP-256',
  bytes: Buffer.alloc(424, number),
})
const manifest: BackupPart = {
  part: 'manifest',
  format: 1,
  point: { origin: 'o-1', seq: 41, hash, running: hash },
  node: 'n',
  time: '2030-01-01T00:00:00.000Z',
  software: '1.0.0',
  records: 2,
  residentKeys: [{ space: 's', key: 'k', version: 1 }],
}
const journal: BackupPart = { part: 'journal', segment: '0000000000000000.log', bytes: Buffer.from('line\n') }
const whole = [secret, record(0), record(1, 200_000), rootKey(1), rootKey(2), manifest, journal, journal]

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('a backup file', () => {
  let directory: string
  let recipientKey: KeyObject
  let recipient: Buffer
  let sealed: Buffer
  let finished: { digest: string; size: number } | undefined
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warder-format-'))
    const pair = generateKeyPairSync('rsa', { modulusLength: 3072 })
    recipientKey = pair.privateKey
    recipient = pair.publicKey.export({ type: 'spki', format: 'der' })
    sealed = await seal(whole)
  })
  after(() => rm(directory, { recursive: true, force: true }))

  async function seal(parts: readonly BackupPart[]): Promise<Buffer> {
    const finish = async (file: { digest: string; size: number }): Promise<void> => void (finished = file)
    return Buffer.concat(await all(sealBackup({ recipient, residentKeys: 0, parts: each(parts), finish })))
  }

  async function withFile<T>(bytes: Uint8Array, use: (handle: FileHandle, path: string) => Promise<T>): Promise<T> {
    const path = join(directory, 'backup')
    await writeFile(path, bytes)
    const handle = await open(path, 'r')
    try {
      return await use(handle, path)
    } finally {
      await handle.close()
    }
  }

  const read = (bytes: Uint8Array, key = recipientKey): Promise<BackupPart[]> =>
    withFile(bytes, async handle => all((await BackupFile.over(handle, key)).parts()))

  const codeOf = (bytes: Uint8Array, key?: KeyObject): Promise<string> =>
    read(bytes, key).then(
      () => 'read',
      (error: { code?: string }) => error.code ?? 'another error',
    )

  it('gives back what was put in, part for part', async () => {
    expect(await read(sealed)).to.deep.equal(whole)
  })

  it('tells its digest and size before its last chunk comes', async () => {
    const order: string[] = []
    const finish = async (): Promise<void> => void order.push('finished')
    for await (const _ of sealBackup({ recipient, residentKeys: 0, parts: each(whole), finish })) order.push('bytes')
    expect(order.at(-2)).to.equal('finished')
    await seal(whole)
    const again = await seal([secret, manifest])
    expect(finished).to.deep.equal({ digest: createHash('sha256').update(again).digest('hex'), size: again.length })
    await withFile(again, async handle =>
      expect(await (await BackupFile.over(handle, recipientKey)).digest()).to.equal(finished?.digest),
    )
  })

  it('is refused with any byte changed, cut anywhere, and with anything added', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(sealed)
        changed[at] = (changed[at] ?? 0) ^ flip
        expect(await codeOf(changed), `changed at ${at}`).to.equal('backup-damaged')
        expect(await codeOf(sealed.subarray(0, at)), `cut at ${at}`).to.equal('backup-damaged')
      }),
      { numRuns: 60 },
    )
    expect(await codeOf(Buffer.concat([sealed, Buffer.of(0)]))).to.equal('backup-damaged')
    expect(await codeOf(Buffer.concat([sealed, sealed]))).to.equal('backup-damaged')
  })

  it('has every byte of its header checked, and every end of a chunk', async () => {
    const header = sealed.indexOf(0x0a) + 1
    for (let at = 0; at < header; at += 3) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(await codeOf(changed), `byte ${at}`).to.equal('backup-damaged')
    }
    const chunk = 65_536 + 16
    const chunks = Math.floor((sealed.length - header) / chunk)
    expect(chunks).to.be.greaterThan(1)
    for (let n = 0; n <= chunks; n++)
      expect(await codeOf(sealed.subarray(0, header + n * chunk))).to.equal('backup-damaged')
    const one = sealed.subarray(header, header + chunk)
    const two = sealed.subarray(header + chunk, header + 2 * chunk)
    const swapped = Buffer.concat([sealed.subarray(0, header), two, one, sealed.subarray(header + 2 * chunk)])
    expect(await codeOf(swapped)).to.equal('backup-damaged')
  })

  it('opens for its recipient alone', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
    expect(await codeOf(sealed, other)).to.equal('backup-damaged')
  })

  it('has its parts in their order, and all of them', async () => {
    for (const parts of [
      [record(0), secret, manifest],
      [secret, record(0)],
      [secret, manifest, manifest],
      [secret, secret, manifest],
      [secret, journal, manifest],
      [secret, journal],
      [secret, manifest, record(0)],
      [],
    ])
      expect(await codeOf(await seal(parts)), parts.map(({ part }) => part).join()).to.equal('backup-damaged')
    expect(await codeOf(await seal([secret, manifest]))).to.equal('read')
  })

  it('names no directory outside: an origin and a segment are plain names', async () => {
    const evil = { ...manifest, point: { origin: '../../etc', seq: 1, hash, running: hash } } as BackupPart
    expect(await codeOf(await seal([secret, evil]))).to.equal('backup-damaged')
    const segment = { ...journal, segment: '../../0000000000000000.log' } as BackupPart
    expect(await codeOf(await seal([secret, manifest, segment]))).to.equal('backup-damaged')
  })

  it('lends its root keys to the HSM’s side, when all of it is as it was made', async () => {
    const keys = await withFile(sealed, (_, path) => readRootKeys(path, recipientKey))
    expect(keys).to.deep.equal([
      { purpose: 'export-kek', number: 1, oaep: 'RSA-OAEP-256', wrapped: new Uint8Array(424).fill(1) },
      { purpose: 'export-kek', number: 2, oaep: 'RSA-OAEP-256', wrapped: new Uint8Array(424).fill(2) },
    ])
    const cut = sealed.subarray(0, sealed.length - 5)
    const code = await withFile(cut, (_, path) => readRootKeys(path, recipientKey)).catch(
      (e: { code: string }) => e.code,
    )
    expect(code).to.equal('backup-damaged')
  })

  it('takes memory for its longest part, not for its length', async () => {
    const many = Array.from({ length: 3000 }, (_, n) => record(n % 200, 20_000))
    const long = await seal([secret, ...many, manifest])
    expect(long.length).to.be.greaterThan(60_000_000)
    await withFile(long, async handle => {
      const file = await BackupFile.over(
        handle,
        createPrivateKey(recipientKey.export({ type: 'pkcs8', format: 'pem' })),
      )
      let parts = 0
      let most = 0
      for await (const _ of file.parts()) {
        if (parts++ % 500 === 0) most = Math.max(most, process.memoryUsage().heapUsed)
      }
      expect(parts).to.equal(3002)
      expect(most).to.be.lessThan(400_000_000)
    })
  })
})

describe('the parts of a backup as bytes', () => {
  it('come back whatever pieces they come in', async () => {
    const bytes = Buffer.concat(await all(encodeParts(each(whole))))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 }), async sizes => {
        const pieces: Buffer[] = []
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = (sizes[n % sizes.length] ?? 1) * 7
          pieces.push(bytes.subarray(at, at + size))
          at += size
        }
        expect(await all(decodeParts(each(pieces)))).to.deep.equal(whole)
      }),
      { numRuns: 20 },
    )
  })

  it('are refused when they are no parts: lengths out of bounds, unknown ones, and a rest', async () => {
    const codes = async (bytes: Uint8Array): Promise<string> =>
      all(decodeParts(each([Buffer.from(bytes)]))).then(
        () => 'read',
        (error: { code?: string }) => error.code ?? 'another error',
      )
    const frame = (json: string, rest = ''): Buffer => {
      const lengths = Buffer.alloc(8)
      lengths.writeUInt32BE(Buffer.byteLength(json), 0)
      lengths.writeUInt32BE(rest.length, 4)
      return Buffer.concat([lengths, Buffer.from(json), Buffer.from(rest)])
    }
    expect(await codes(Buffer.alloc(8, 0xff))).to.equal('backup-damaged')
    expect(await codes(Buffer.alloc(8))).to.equal('backup-damaged')
    expect(await codes(frame('{"part":"rumour"}'))).to.equal('backup-damaged')
    expect(await codes(frame('{'))).to.equal('backup-damaged')
    expect(await codes(frame(JSON.stringify(manifest), 'x'))).to.equal('backup-damaged')
    expect(await codes(frame(JSON.stringify(manifest)).subarray(0, 20))).to.equal('backup-damaged')
    expect(await codes(frame(JSON.stringify(manifest)))).to.equal('read')
  })
})
