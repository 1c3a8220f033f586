import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Op, type PluginHost, WarderError } from '@warder/contract'
import type { Config } from './config.ts'

const newline = 0x0a
const longest = 1024

/** Asks the operator, through the appliance. */
export type AskOperator = () => Promise<Uint8Array>

/** For a plugin that an appliance opens; provisioning has no operator to ask. */
export function operatorOf(host: PluginHost, op: Op): AskOperator | undefined {
  const secret = host.secret?.bind(host)
  return secret && (() => secret({ operator: true }, op))
}

/**
 * Lends the PIN's bytes, with one trailing newline taken off, and zeroes them afterwards.
 * @throws WarderError `config-invalid` when there is none, or everybody on the machine may read it; `sealed` when the
 *   operator has not given it.
 */
export async function withPin<T>(
  from: Config['pin'],
  fn: (pin: Uint8Array) => T | Promise<T>,
  askOperator?: AskOperator,
): Promise<T> {
  if ('operator' in from) {
    if (askOperator === undefined) throw unusable('the PIN is with the operator, who cannot be asked here')
    const pin = await askOperator()
    try {
      if (pin.length === 0 || pin.length >= longest) throw unusable('the PIN is empty or too long')
      return await fn(pin)
    } finally {
      pin.fill(0)
    }
  }
  const buffer = Buffer.alloc(longest)
  try {
    const length = await readInto(buffer, pinPath(from))
    const pin = buffer.subarray(0, buffer[length - 1] === newline ? length - 1 : length)
    if (pin.length === 0 || length === longest) throw unusable('the PIN file is empty or too long')
    return await fn(pin)
  } finally {
    buffer.fill(0)
  }
}

/**
 * The PIN as the binding takes it, which is a string only. Strings cannot be zeroed: make it for the one call, and keep
 * it in no variable that lives longer.
 */
export function pinText(pin: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(pin)
  } catch {
    // no cause: it could show the bytes
    throw unusable('the PIN is not UTF-8')
  }
}

function pinPath(from: Exclude<Config['pin'], { operator: true }>): string {
  if ('file' in from) return from.file
  const directory = process.env['CREDENTIALS_DIRECTORY']
  if (directory === undefined || directory === '') throw unusable('there are no systemd credentials in this process')
  return join(directory, from.credential)
}

async function readInto(buffer: Buffer, path: string): Promise<number> {
  try {
    const file = await open(path, 'r')
    try {
      if (((await file.stat()).mode & 0o007) !== 0) throw unusable('everybody may read the PIN file')
      let length = 0
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
        length += bytesRead
        if (bytesRead === 0 || length === buffer.length) return length
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (WarderError.is(error)) throw error
    throw unusable('the PIN cannot be read', error)
  }
}

function unusable(message: string, cause?: unknown): WarderError {
  return new WarderError('config-invalid', message, { facts: { field: 'pin' }, cause })
}
