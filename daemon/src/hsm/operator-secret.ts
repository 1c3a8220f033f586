import { close, read } from 'node:fs'
import { promisify } from 'node:util'
import type { Writable } from 'node:stream'
import { maxSecretBytes, secretDescriptor } from './control.ts'

/** A copy in memory of its own, which zeroing reaches: V8 moves small typed arrays about, and leaves copies behind. */
export function copyOf(secret: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(secret.length))
  copy.set(secret)
  return copy
}

/** Writes a secret to a new host and ends the pipe. The copy that is written is wiped when the kernel has it. */
export function handOver(secret: Uint8Array, pipe: Writable): void {
  const copy = copyOf(secret)
  // a host that died before it read is seen to have died
  pipe.on('error', () => {})
  pipe.end(copy, () => copy.fill(0))
}

/** Takes what {@link handOver} wrote, in the host. Whoever takes it zeroes it. */
export async function takeOver(): Promise<Uint8Array> {
  const buffer = new Uint8Array(new ArrayBuffer(maxSecretBytes + 1))
  try {
    let length = 0
    for (;;) {
      const { bytesRead } = await readSome(secretDescriptor, buffer, length, buffer.length - length, null)
      length += bytesRead
      if (bytesRead === 0) return copyOf(buffer.subarray(0, length))
    }
  } finally {
    buffer.fill(0)
    await promisify(close)(secretDescriptor)
  }
}

const readSome = promisify(read)
