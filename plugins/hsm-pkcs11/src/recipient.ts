import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { open } from 'node:fs/promises'
import { WarderError } from '@warder/contract'

/** Who can bring root keys back: the holder of the private half, which is nowhere near here. */
export interface Recipient {
  readonly key: KeyObject
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  /** SHA-256 of the SPKI as lower-case hexadecimal, as `openssl pkey -pubin -outform der | sha256sum` shows it. */
  readonly fingerprint: string
}

const sizes: ReadonlySet<number | undefined> = new Set([3072, 4096])
const mostBytes = 1 << 16

/**
 * Reads the recipient that the configuration names; `undefined` when it names none.
 * @throws WarderError `config-invalid` when it is no such public key, or somebody else could have written it.
 */
export async function readRecipient(path: string | undefined): Promise<Recipient | undefined> {
  if (path === undefined) return undefined
  const pem = await readTrusted(path)
  // node:crypto would take one, and use its public half
  if (pem.includes('PRIVATE KEY')) throw unusable('holds a private key, which belongs on no machine of the appliance')
  const recipient = parse(pem)
  if (recipient === undefined) throw unusable('must be a PEM file with an RSA public key or a certificate')
  if (!sizes.has(recipient.key.asymmetricKeyDetails?.modulusLength)) {
    throw unusable('must be an RSA key of 3072 or 4096 bits')
  }
  return recipient
}

export function recipientOf(key: KeyObject): Recipient {
  const spki = new Uint8Array(key.export({ type: 'spki', format: 'der' }))
  return { key, spki, fingerprint: createHash('sha256').update(spki).digest('hex') }
}

function parse(pem: string): Recipient | undefined {
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === 'rsa' ? recipientOf(key) : undefined
  } catch {
    return undefined
  }
}

// whoever can write it could make it a key of their own, and wait for the next rotation
async function readTrusted(path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { mode, uid, size } = await file.stat()
      const trusted = uid === 0 || uid === process.geteuid?.()
      if (!trusted) throw unusable('must belong to root, or to the user of the HSM hosts')
      if ((mode & 0o022) !== 0) throw unusable('can be written by others: chmod it to 0644')
      if (size > mostBytes) throw unusable('is too long for a public key')
      return await file.readFile('latin1')
    } finally {
      await file.close()
    }
  } catch (error) {
    if (WarderError.is(error)) throw error
    throw unusable(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'failed'})`, error)
  }
}

function unusable(what: string, cause?: unknown): WarderError {
  return new WarderError('config-invalid', `backupRecipient ${what}`, { facts: { field: 'backupRecipient' }, cause })
}
