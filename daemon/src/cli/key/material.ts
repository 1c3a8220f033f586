import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { KeyAlgorithm } from '@warder/contract'
import { CliError } from '../failure.ts'

/** A key to bring. */
export interface Material {
  readonly algorithm: string
  /** PKCS#8 of a private key, the bytes of a secret one. Whoever takes it zeroes it. */
  readonly bytes: Buffer
  /** Of a private key. */
  readonly spki: Buffer | undefined
}

/**
 * Reads a private key (PEM: PKCS#8, SEC 1 or PKCS#1), whose algorithm is seen, or a secret key, whose algorithm must be told.
 * `passphrase` is asked only for a key that has one.
 * @throws CliError for what is neither, and for a key of a kind that Warder does not keep
 */
export async function readMaterial(
  file: Buffer,
  algorithm: string | undefined,
  passphrase: () => Promise<Uint8Array>,
): Promise<Material> {
  if (!file.includes('-----BEGIN ')) return secret(file, algorithm)
  const key = file.includes('ENCRYPTED') ? openKey(file, await passphrase()) : openKey(file)
  const seen = algorithmOf(key)
  if (algorithm !== undefined && algorithm !== seen) {
    throw new CliError(`This is a private key of ${seen}, not of ${algorithm}.`, 'leave --algorithm out')
  }
  return {
    algorithm: seen,
    bytes: key.export({ type: 'pkcs8', format: 'der' }),
    spki: createPublicKey(key).export({ type: 'spki', format: 'der' }),
  }
}

function secret(file: Buffer, algorithm: string | undefined): Material {
  if (algorithm === undefined) {
    throw new CliError('This is no private key as PEM.', 'for the bytes of a secret key, name its --algorithm')
  }
  return { algorithm, bytes: Buffer.from(file), spki: undefined }
}

function openKey(file: Buffer, passphrase?: Uint8Array): KeyObject {
  try {
    return createPrivateKey({
      key: file,
      format: 'pem',
      ...(passphrase === undefined ? {} : { passphrase: Buffer.from(passphrase) }),
    })
  } catch (cause) {
    const why = passphrase === undefined ? 'no private key as PEM' : 'no private key as PEM, or has another passphrase'
    throw new CliError(`This is ${why}.`, undefined, cause)
  } finally {
    passphrase?.fill(0)
  }
}

const curves: Readonly<Record<string, KeyAlgorithm>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }
const moduli: Readonly<Record<number, KeyAlgorithm>> = { 2048: 'RSA-2048', 3072: 'RSA-3072', 4096: 'RSA-4096' }

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): KeyAlgorithm {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails
  const seen =
    asymmetricKeyType === 'ed25519'
      ? 'Ed25519'
      : asymmetricKeyType === 'ec'
        ? curves[namedCurve]
        : asymmetricKeyType === 'rsa'
          ? moduli[modulusLength]
          : undefined
  if (seen !== undefined) return seen
  const found = [asymmetricKeyType, namedCurve, modulusLength || ''].join(' ').trim()
  throw new CliError(`Warder keeps no keys of this kind (${found}).`, '`warder key create --help` lists the algorithms')
}
