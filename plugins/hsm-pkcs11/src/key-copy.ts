import { oaepAlgorithms } from '@warder/contract'
import { z } from 'zod'

/**
 * A root key wrapped to a recipient. The check value says which key of that name it is of: of a run that was broken off, or
 * lost against another process, a copy may be left whose key there never was.
 */
const schema = z.strictObject({
  v: z.literal(1),
  /** SHA-256 of its SPKI. */
  recipient: z.string().regex(/^[0-9a-f]{64}$/),
  oaep: z.enum(oaepAlgorithms),
  checkValue: z.string().regex(/^[0-9a-f]{16}$/),
  wrapped: z.base64().max(2048),
})

export interface KeyCopy {
  /** As in `kek/1`. */
  readonly name: string
  /** Fingerprint of the recipient. */
  readonly recipient: string
  readonly oaep: z.output<typeof schema>['oaep']
  /** As hexadecimal. */
  readonly checkValue: string
  readonly wrapped: Uint8Array
}

export function encodeCopy({ recipient, oaep, checkValue, wrapped }: KeyCopy): Buffer {
  const base64 = Buffer.from(wrapped).toString('base64')
  return Buffer.from(JSON.stringify({ v: 1, recipient, oaep, checkValue, wrapped: base64 }))
}

/** `undefined` for what is no copy: then the key counts as one that has none. */
export function decodeCopy(name: string, bytes: Uint8Array): KeyCopy | undefined {
  try {
    const { recipient, oaep, checkValue, wrapped } = schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    return { name, recipient, oaep, checkValue, wrapped: new Uint8Array(Buffer.from(wrapped, 'base64')) }
  } catch {
    return undefined
  }
}
