import { createHash, type Hash } from 'node:crypto'
import type { SignatureAlgorithm } from '@warder/contract'
import type { WarderClient } from '../../client/client.ts'
import type { Answered } from '../../client/types.ts'
import { CliError } from '../failure.ts'
import { withInputProgress } from '../input-progress.ts'
import { readInput } from '../input.ts'

/** What to sign: a message, or its digest. */
export interface Message {
  readonly input: string
  readonly prehashed?: true
  /** Set with a digest: it fits no other. */
  readonly algorithm?: SignatureAlgorithm | undefined
}

/** The most bytes that one request may carry. */
export const messageLimit = 64 * 1024

const hashes: Readonly<Record<SignatureAlgorithm, string | undefined>> = {
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  RS256: 'sha256',
  RS384: 'sha384',
  RS512: 'sha512',
  // RFC 8032: it signs the message itself.
  EdDSA: undefined,
}

type KeyAlgorithm = Answered<'getKey'>['algorithm']

/** What the appliance signs with when no algorithm is named. */
const defaults: Readonly<Partial<Record<KeyAlgorithm, SignatureAlgorithm>>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  'RSA-2048': 'PS256',
  'RSA-3072': 'PS256',
  'RSA-4096': 'PS256',
  Ed25519: 'EdDSA',
}

/**
 * Reads all of a file, however long, in the memory of one request: what fits one is sent as it is, what does not is hashed as
 * it is read. `algorithm` is called only for the latter.
 */
export async function readMessage(
  file: string | undefined,
  algorithm: () => Promise<SignatureAlgorithm | undefined>,
): Promise<Message> {
  return withInputProgress('hashing', file, readInput(file), input => messageOf(input, algorithm))
}

async function messageOf(
  input: AsyncIterable<Buffer>,
  algorithm: () => Promise<SignatureAlgorithm | undefined>,
): Promise<Message> {
  let begun: Buffer[] = []
  let length = 0
  let hashed: { readonly hash: Hash; readonly algorithm: SignatureAlgorithm } | undefined
  for await (const chunk of input) {
    length += chunk.length
    if (hashed !== undefined) hashed.hash.update(chunk)
    else begun.push(chunk)
    if (hashed === undefined && length > messageLimit) {
      hashed = hashFor(await algorithm())
      for (const each of begun) hashed.hash.update(each)
      begun = []
    }
  }
  if (hashed === undefined) return { input: Buffer.concat(begun).toString('base64') }
  return { input: hashed.hash.digest('base64'), prehashed: true, algorithm: hashed.algorithm }
}

/** What is named, or else the default of the key, which has to be looked up. */
export async function algorithmFor(
  client: WarderClient,
  params: { readonly space: string; readonly key: string },
  named: SignatureAlgorithm | undefined,
): Promise<SignatureAlgorithm | undefined> {
  return named ?? defaults[(await client.call('getKey', { params })).body.algorithm]
}

function hashFor(algorithm: SignatureAlgorithm | undefined): { hash: Hash; algorithm: SignatureAlgorithm } {
  if (algorithm === undefined)
    throw new CliError('This key makes no signatures.', '`warder key show KEY` says what it is for')
  const hash = hashes[algorithm]
  if (hash === undefined) {
    throw new CliError(
      `${algorithm} signs the message itself, 64 KiB at most, and this is longer.`,
      'sign a digest of it as the message, or use a key of another algorithm',
    )
  }
  return { hash: createHash(hash), algorithm }
}
