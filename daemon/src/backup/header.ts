import { constants, createHash, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import { WarderError } from '@warder/contract'
import { z } from 'zod'

/**
 * `warder-backup-v1`: a backup of an appliance, sealed to an RSA key.
 *
 *     <header: JSON, one line of at most 4,096 bytes>\n
 *     <chunk>…                                            as in sealed-chunks.ts, under the file key
 *
 * - The header is `{"format":"warder-backup-v1","recipient":…,"fileKey":…}`: SHA-256 of the recipient's SPKI in hex, and 32
 *   random bytes, RSAES-OAEP with SHA-256 to it, base64.
 * - What the chunks hold together is a row of parts, see parts.ts.
 */
export const format = 'warder-backup-v1'
const lineLimit = 4096

const schema = z.strictObject({
  format: z.literal(format),
  recipient: z.string().regex(/^[0-9a-f]{64}$/),
  fileKey: z.base64(),
})

const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const

export function headerLine(recipient: KeyObject, fileKey: Uint8Array): Buffer {
  const header = {
    format,
    recipient: fingerprintOf(recipient),
    fileKey: publicEncrypt({ key: recipient, ...oaep }, fileKey).toString('base64'),
  }
  return Buffer.from(`${JSON.stringify(header)}\n`)
}

/** SHA-256 of a public key's SPKI, hex. */
export function fingerprintOf(recipient: KeyObject): string {
  return createHash('sha256')
    .update(recipient.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

export interface OpenedHeader {
  /** With its line feed, as it is authenticated. */
  readonly line: Buffer
  readonly recipient: string
  /** Opens the file key; whoever takes it zeroes it. @throws WarderError `backup-damaged` */
  fileKey(recipientKey: KeyObject, publicKey: KeyObject): Buffer
}

/** The header at the start of a file, of which this is at least the first 4,096 bytes, or all. @throws WarderError `backup-damaged` */
export function readHeader(start: Buffer): OpenedHeader {
  const end = start.subarray(0, lineLimit).indexOf(0x0a)
  const parsed = schema.safeParse(end === -1 ? undefined : parseJson(start.toString('utf8', 0, end)))
  if (!parsed.success) throw damaged('This is no backup that Warder made.')
  const { recipient, fileKey } = parsed.data
  return {
    line: start.subarray(0, end + 1),
    recipient,
    fileKey(recipientKey, publicKey) {
      if (fingerprintOf(publicKey) !== recipient) {
        throw damaged(`The backup is for another key: SHA-256 of its SPKI is ${recipient}.`)
      }
      try {
        return privateDecrypt({ key: recipientKey, ...oaep }, Buffer.from(fileKey, 'base64'))
      } catch (cause) {
        throw damaged(undefined, cause)
      }
    },
  }
}

export function damaged(
  message = 'The backup was changed since it was made, or is not all of it.',
  cause?: unknown,
): WarderError {
  return new WarderError('backup-damaged', message, { cause })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
