import { oaepAlgorithms, WarderError } from '@warder/contract'
import type { BackupPart } from '@warder/core'
import { z } from 'zod'
import { damaged } from './header.ts'

/**
 * A part of a backup, as bytes:
 *
 *     length of the JSON u32 | length of the bytes u32 | JSON, UTF-8 | bytes
 *
 * The JSON says what the part is; the bytes are a sealed record, a wrapped key, or a piece of a journal file.
 */
const prefix = 8
/** Of either: far above what a record, a list of keys or a piece of journal takes. */
const most = 1 << 24

const attribute = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])
const count = z.int().min(0)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const schema = z.discriminatedUnion('part', [
  z.strictObject({ part: z.literal('store-secret'), oaep: z.enum(oaepAlgorithms) }),
  z.strictObject({
    part: z.literal('record'),
    collection: z.string(),
    id: z.string(),
    revision: z.int().min(1),
    attributes: z.record(z.string(), attribute),
  }),
  z.strictObject({
    part: z.literal('root-key'),
    purpose: z.string().regex(/^[a-z][a-z-]{0,62}$/),
    number: z.int().min(1),
    oaep: z.enum(oaepAlgorithms),
  }),
  z.strictObject({
    part: z.literal('manifest'),
    format: z.literal(1),
    // It becomes the name of a directory.
    point: z.strictObject({
      origin: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
      seq: count,
      hash,
      running: hash,
    }),
    node: z.string(),
    time: z.iso.datetime(),
    software: z.string(),
    records: count,
    residentKeys: z.array(z.strictObject({ space: z.string(), key: z.string(), version: z.int() })),
  }),
  z.strictObject({ part: z.literal('journal'), segment: z.string().regex(/^\d{16}\.log$/) }),
])

const none = new Uint8Array(0)

export async function* encodeParts(parts: AsyncIterable<BackupPart>): AsyncGenerator<Buffer> {
  for await (const part of parts) {
    const { bytes = none, ...said } = 'bytes' in part ? part : { ...part, bytes: none }
    const json = Buffer.from(JSON.stringify(said))
    if (json.length > most || bytes.length > most) throw new TypeError('a part of the backup is too long')
    const lengths = Buffer.alloc(prefix)
    lengths.writeUInt32BE(json.length, 0)
    lengths.writeUInt32BE(bytes.length, 4)
    yield Buffer.concat([lengths, json, bytes])
  }
}

/** @throws WarderError `backup-damaged` for anything but whole parts */
export async function* decodeParts(plaintext: AsyncIterable<Buffer>): AsyncGenerator<BackupPart> {
  let pieces: Buffer[] = []
  let held = 0
  let wanted = prefix
  for await (const piece of plaintext) {
    pieces.push(piece)
    held += piece.length
    if (held < wanted) continue
    let all = Buffer.concat(pieces)
    for (wanted = lengthOf(all); all.length >= wanted; wanted = lengthOf(all)) {
      yield partOf(all.subarray(0, wanted))
      all = all.subarray(wanted)
    }
    pieces = [all]
    held = all.length
  }
  if (held > 0) throw damaged()
}

/** How long the part is that begins here, as far as that can be told. */
function lengthOf(start: Buffer): number {
  if (start.length < prefix) return prefix
  const json = start.readUInt32BE(0)
  const bytes = start.readUInt32BE(4)
  if (json > most || bytes > most || json === 0) throw damaged()
  return prefix + json + bytes
}

function partOf(frame: Buffer): BackupPart {
  const end = prefix + frame.readUInt32BE(0)
  const bytes = frame.subarray(end)
  let said: z.infer<typeof schema>
  try {
    said = schema.parse(JSON.parse(frame.toString('utf8', prefix, end)))
  } catch (cause) {
    throw damaged('The backup holds something that this version of Warder does not know.', cause)
  }
  if (said.part !== 'manifest') return { ...said, bytes }
  if (bytes.length > 0) throw damaged()
  return said
}

/** @throws WarderError `backup-damaged` unless the parts come in their order, the manifest once and the store secret once */
export async function* inOrder(parts: AsyncIterable<BackupPart>): AsyncGenerator<BackupPart> {
  const order = ['store-secret', 'record', 'root-key', 'manifest', 'journal'] as const
  let at = -1
  for await (const part of parts) {
    const next = order.indexOf(part.part)
    const repeats = part.part === 'record' || part.part === 'root-key' || part.part === 'journal'
    if (next < at || (next === at && !repeats) || (at === -1 && next !== 0))
      throw damaged('The parts of the backup are out of order.')
    if (part.part === 'journal' && at < order.indexOf('manifest'))
      throw damaged('The parts of the backup are out of order.')
    at = next
    yield part
  }
  if (at < order.indexOf('manifest')) throw new WarderError('backup-damaged', 'The backup has no manifest.')
}
