import type { OutFlags } from './output-file.ts'
import { withOutput } from './output-file.ts'

export const encodings = ['base64', 'hex', 'binary'] as const
export type Encoding = (typeof encodings)[number]

/** Bytes as they are, or as a line of text. */
export function encode(bytes: Uint8Array, encoding: Encoding): Uint8Array {
  return encoding === 'binary' ? bytes : Buffer.from(`${Buffer.from(bytes).toString(encoding)}\n`)
}

/** Writes bytes where the flags say, encoded as they say. */
export async function writeBytes(bytes: Uint8Array, flags: OutFlags & { readonly encoding: Encoding }): Promise<void> {
  await withOutput(flags, write => write(encode(bytes, flags.encoding)))
}

const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/

/**
 * The bytes of a file that this program or another one wrote: base64 text when it is nothing but that, else as they are. A
 * signature or ciphertext that happens to be base64 throughout is as good as impossible: it would be 64 such bytes or more.
 */
export function decode(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replaceAll(/\s/g, '')
  return base64.test(text) ? Buffer.from(text, 'base64') : bytes
}
