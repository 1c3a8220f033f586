import { timingSafeEqual } from 'node:crypto'
import { readPrivately } from '../config/secret-reference.ts'
import { maxSecretBytes } from '../hsm/control.ts'
import { CliError } from './failure.ts'
import { isStdin, readWhole } from './input.ts'
import { askSecret, canAsk } from './prompt.ts'

export interface PinFlags {
  readonly pinFile?: string
  /** False with `--no-input`. */
  readonly input?: boolean
}

const newline = 0x0a

/**
 * The token's PIN: of the file, of stdin when that is `-`, else typed by the person, not shown; `twice` for a new one. One
 * newline at its end is taken off. Whoever takes it zeroes it.
 * @throws CliError when there is none; WarderError `config-invalid` when everybody on this machine may read the file
 */
export async function readPin({ pinFile, input = true }: PinFlags, { twice = false } = {}): Promise<Uint8Array> {
  const bytes = pinFile === undefined ? await askPin(input, twice) : await readPinFile(pinFile)
  try {
    const pin = Uint8Array.from(bytes.at(-1) === newline ? bytes.subarray(0, -1) : bytes)
    if (pin.length > 0 && pin.length <= maxSecretBytes) return pin
    pin.fill(0)
    throw new CliError(pin.length === 0 ? 'The PIN is empty.' : `A PIN has at most ${maxSecretBytes} bytes.`)
  } finally {
    bytes.fill(0)
  }
}

function readPinFile(file: string): Promise<Uint8Array> {
  return isStdin(file) ? readWhole(file, maxSecretBytes + 1) : readPrivately(file)
}

async function askPin(input: boolean, twice: boolean): Promise<Uint8Array> {
  if (!canAsk({ input })) throw new CliError('The PIN cannot be asked for here.', '--pin-file FILE, or - for stdin')
  const pin = await askSecret(twice ? 'PIN for the new token: ' : 'PIN: ')
  if (!twice) return pin
  const again = await askSecret('The same again: ')
  const same = pin.length === again.length && timingSafeEqual(pin, again)
  again.fill(0)
  if (same) return pin
  pin.fill(0)
  throw new CliError('That was not the same twice; nothing was done.')
}
