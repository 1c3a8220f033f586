import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { isFileV1, openFile, readHeader, sealFile } from '../../../src/cli/crypto/file-v1.ts'

const header = { space: 'default', key: 'backups', version: 3, dataKey: 'AQAAAA==' }
const dataKey = randomBytes(32)
const chunk = 65_536
const tag = 16

async function* inParts(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function all(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const collected: Uint8Array[] = []
  for await (const part of parts) collected.push(part)
  return Buffer.concat(collected)
}

const seal = (plaintext: Buffer, size = 10_000): Promise<Buffer> =>
  all(sealFile(header, dataKey, inParts(plaintext, size)))

async function open(sealed: Buffer, key: Uint8Array = dataKey, size = 9_999): Promise<Buffer> {
  const { line } = readHeader(sealed)
  return all(openFile(line, key, inParts(sealed.subarray(line.length), size)))
}

/** Opening it fails: with an error, and not by other bytes. */
async function refused(sealed: Buffer, key?: Uint8Array): Promise<boolean> {
  return open(sealed, key).then(
    () => false,
    (error: unknown) => (error as Error).message.startsWith('This was changed since it was encrypted'),
  )
}

describe('warder-file-v1', () => {
  for (const length of [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 7])
    it(`carries ${length} bytes, with a tag for each chunk`, async () => {
      const plaintext = randomBytes(length)
      const sealed = await seal(plaintext)
      const { line } = readHeader(sealed)
      expect(sealed.length - line.length).to.equal(length + tag * Math.max(1, Math.ceil(length / chunk)))
      expect((await open(sealed)).equals(plaintext)).to.equal(true)
    })

  it('is the same however the input comes in parts', async () => {
    const plaintext = randomBytes(2 * chunk + 100)
    const sealed = await seal(plaintext, 1 << 20)
    expect((await seal(plaintext, 777)).equals(sealed)).to.equal(true)
    for (const size of [7777, chunk, chunk + tag, 1 << 20])
      expect((await open(sealed, dataKey, size)).equals(plaintext)).to.equal(true)
  })

  it('states its header, by which it is known', async () => {
    const sealed = await seal(Buffer.from('x'))
    expect(isFileV1(sealed)).to.equal(true)
    expect(readHeader(sealed)).to.deep.include(header)
    expect(isFileV1(Buffer.from('AQAAAAE7'))).to.equal(false)
    expect(isFileV1(Buffer.alloc(0))).to.equal(false)
  })

  describe('refuses', () => {
    const plaintext = randomBytes(3 * chunk + 7)
    let sealed: Buffer
    let start: number
    before(async () => {
      sealed = await seal(plaintext)
      start = readHeader(sealed).line.length
    })

    const chunkAt = (at: number): Buffer =>
      sealed.subarray(start + at * (chunk + tag), start + (at + 1) * (chunk + tag))
    const made = (...parts: readonly Buffer[]): Buffer => Buffer.concat([sealed.subarray(0, start), ...parts])

    it('a bit that was flipped, anywhere after the header', () =>
      fc.assert(
        fc.asyncProperty(
          fc.integer({ min: start, max: sealed.length - 1 }),
          fc.integer({ min: 0, max: 7 }),
          async (at, bit) => {
            const changed = Buffer.from(sealed)
            changed[at] = (changed[at] ?? 0) ^ (1 << bit)
            return refused(changed)
          },
        ),
        { numRuns: 40 },
      ))

    it('any end that was cut off', () =>
      fc.assert(
        fc.asyncProperty(fc.integer({ min: start, max: sealed.length - 1 }), async length =>
          refused(sealed.subarray(0, length)),
        ),
        { numRuns: 40 },
      ))

    it('an end at the end of a chunk', async () => {
      for (const count of [0, 1, 2, 3])
        expect(await refused(sealed.subarray(0, start + count * (chunk + tag))), `${count}`).to.equal(true)
    })

    it('chunks that were exchanged, repeated, left out or added', async () => {
      const [a, b, c, d] = [chunkAt(0), chunkAt(1), chunkAt(2), chunkAt(3)] as const
      expect(await refused(made(b, a, c, d))).to.equal(true)
      expect(await refused(made(a, a, b, c, d))).to.equal(true)
      expect(await refused(made(a, c, d))).to.equal(true)
      expect(await refused(made(a, b, c, d, d))).to.equal(true)
      expect(await refused(made(a, b, c, Buffer.concat([d, Buffer.from('more')])))).to.equal(true)
    })

    it('chunks of another file, and another key', async () => {
      const other = await all(sealFile({ ...header, version: 4 }, dataKey, inParts(plaintext, chunk)))
      const body = other.subarray(readHeader(other).line.length)
      expect(await refused(made(body))).to.equal(true)
      expect(await refused(sealed, randomBytes(32))).to.equal(true)
    })

    it('a header that was changed, even where it says the same', async () => {
      const spaced = Buffer.from(sealed.toString('latin1').replace('"version":3', '"version": 3'), 'latin1')
      expect(readHeader(spaced)).to.deep.include(header)
      expect(await refused(spaced)).to.equal(true)
    })

    it('a header that is none', () => {
      for (const text of [
        '',
        '{"format":"warder-file-v1",',
        '{"format":"warder-file-v1","space":"s"}\n',
        '{"format":"warder-file-v1",x}\n',
      ])
        expect(() => readHeader(Buffer.from(text)), text).to.throw('This was changed')
    })
  })
})
