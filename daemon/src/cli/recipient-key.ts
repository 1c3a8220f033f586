import { createPrivateKey, type KeyObject } from 'node:crypto'
import { WarderError } from '@warder/contract'
import { readPrivately } from '../config/secret-reference.ts'
import { CliError } from './failure.ts'
import { askSecret, canAsk } from './prompt.ts'

export interface RecipientKeyFlags {
  readonly recipientKey: string
  readonly passphraseFile?: string
  readonly input?: boolean
}

/**
 * The private key that backups are sealed to, from a PEM file that not everybody may read. A passphrase comes from a file, or
 * is asked for.
 * @throws CliError, or WarderError `config-invalid` for a file that cannot be read or is open to all
 */
export async function readRecipientKey({
  recipientKey,
  passphraseFile,
  input = true,
}: RecipientKeyFlags): Promise<KeyObject> {
  const pem = Buffer.from(await readPrivately(recipientKey))
  try {
    const encrypted = /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem.toString('latin1'))
    return encrypted ? await withPassphrase(pem, recipientKey, passphraseFile, input) : open(pem, recipientKey)
  } finally {
    pem.fill(0)
  }
}

async function withPassphrase(
  pem: Buffer,
  file: string,
  passphraseFile: string | undefined,
  input: boolean,
): Promise<KeyObject> {
  const passphrase = Buffer.from(await passphraseOf(file, passphraseFile, input))
  try {
    const end = passphrase.indexOf(0x0a)
    return open(pem, file, end === -1 ? passphrase : passphrase.subarray(0, end))
  } finally {
    passphrase.fill(0)
  }
}

async function passphraseOf(file: string, passphraseFile: string | undefined, input: boolean): Promise<Uint8Array> {
  if (passphraseFile !== undefined) return readPrivately(passphraseFile)
  if (canAsk({ input })) return askSecret(`Passphrase of ${file}: `)
  throw new CliError(`${file} needs a passphrase.`, '--passphrase-file FILE, or run this on a terminal')
}

function open(key: Buffer, file: string, passphrase?: Buffer): KeyObject {
  let opened: KeyObject
  try {
    opened = createPrivateKey({ key, format: 'pem', ...(passphrase && { passphrase }) })
  } catch (cause) {
    throw new WarderError('config-invalid', `${file} is no private key in PEM, or the passphrase is not its own.`, {
      cause,
    })
  }
  if (opened.asymmetricKeyType === 'rsa') return opened
  throw new WarderError('config-invalid', `${file} is no RSA key.`)
}
