import {
  maxSignAll,
  oaepAlgorithms,
  type Ciphertext,
  type KeyRef,
  type OaepAlgorithm,
  type SignatureAlgorithm,
} from '@warder/contract'
import { malformed, membersOf, parseBytesOf, parseRef } from './argument-checks.ts'
import { firstValue, type RunForm, type RunItem } from './runs.ts'

/**
 * The arguments of what is done with a key. Bounds here keep a caller from filling the host's memory; what is wrong with a
 * ciphertext beyond that is the provider's to say, as it says it of all of them alike.
 */
const maxBytes = 65_536
/** The engine puts the key's own names in front of a caller's additional data. */
const maxAadBytes = maxBytes + 4096
const maxCiphertextBytes = maxBytes + 4096
const maxIvBytes = 64
const maxWrappableBytes = 4096
const maxWrappedBytes = 8192
const maxSpkiBytes = 2048

export interface SignArguments {
  readonly ref: KeyRef
  readonly algorithm: SignatureAlgorithm
  readonly input: Uint8Array
}

/** Bytes a digest must have; EdDSA takes the message, of any length that fits the channel. */
const digestBytes: Readonly<Record<SignatureAlgorithm, number | undefined>> = {
  ES256: 32,
  ES384: 48,
  ES512: 64,
  PS256: 32,
  PS384: 48,
  PS512: 64,
  RS256: 32,
  RS384: 48,
  RS512: 64,
  EdDSA: undefined,
}

export const signRuns: RunForm<SignArguments> = {
  common: ({ algorithm }) => algorithm,
  values: ({ input }) => [input],
  args: (ref, algorithm, item) => {
    if (!isSignatureAlgorithm(algorithm)) throw malformed('algorithm')
    requireValues(item, 1)
    const length = digestBytes[algorithm]
    return { ref, algorithm, input: parseBytesOf(item[firstValue], 'input', length ?? 0, length ?? Infinity) }
  },
}

export interface SignAllArguments {
  readonly ref: KeyRef
  readonly algorithm: SignatureAlgorithm
  readonly inputs: readonly Uint8Array[]
}

export function parseSignAllArguments(value: unknown): SignAllArguments {
  const { ref, algorithm, inputs } = membersOf(value, 'args', ['ref', 'algorithm', 'inputs'])
  if (!isSignatureAlgorithm(algorithm)) throw malformed('algorithm')
  if (!Array.isArray(inputs) || inputs.length < 1 || inputs.length > maxSignAll) throw malformed('inputs')
  const length = digestBytes[algorithm]
  return {
    ref: parseRef(ref),
    algorithm,
    inputs: inputs.map(input => parseBytesOf(input, 'inputs', length ?? 0, length ?? Infinity)),
  }
}

const isSignatureAlgorithm = (value: unknown): value is SignatureAlgorithm =>
  typeof value === 'string' && Object.hasOwn(digestBytes, value)

export interface EncryptArguments {
  readonly ref: KeyRef
  readonly plaintext: Uint8Array
  readonly aad: Uint8Array
}

export const encryptRuns: RunForm<EncryptArguments> = {
  common: () => null,
  values: ({ plaintext, aad }) => [plaintext, aad],
  args: (ref, common, item) => {
    requireNothing(common)
    requireValues(item, 2)
    return {
      ref,
      plaintext: parseBytesOf(item[firstValue], 'plaintext', 0, maxBytes),
      aad: parseBytesOf(item[firstValue + 1], 'aad', 0, maxAadBytes),
    }
  },
}

export interface DecryptArguments {
  readonly ref: KeyRef
  readonly input: Ciphertext
}

export const decryptRuns: RunForm<DecryptArguments> = {
  common: ({ input }) => input.algorithm,
  values: ({ input }) => (input.algorithm === 'A256GCM' ? [input.ciphertext, input.iv, input.aad] : [input.ciphertext]),
  args: (ref, algorithm, item) => {
    requireValues(item, algorithm === 'A256GCM' ? 3 : 1)
    const ciphertext = parseBytesOf(item[firstValue], 'ciphertext', 0, maxCiphertextBytes)
    if (algorithm !== 'A256GCM') return { ref, input: { algorithm: parseOaep(algorithm), ciphertext } }
    const iv = parseBytesOf(item[firstValue + 1], 'iv', 0, maxIvBytes)
    const aad = parseBytesOf(item[firstValue + 2], 'aad', 0, maxAadBytes)
    return { ref, input: { algorithm, iv, ciphertext, aad } }
  },
}

export function parseOaep(value: unknown, field = 'algorithm'): OaepAlgorithm {
  const algorithm = oaepAlgorithms.find(one => one === value)
  if (algorithm === undefined) throw malformed(field)
  return algorithm
}

export interface BytesArguments {
  readonly ref: KeyRef
  readonly bytes: Uint8Array
}

const parseRefAndBytes = (least: number, most: number) => {
  return (value: unknown): BytesArguments => {
    const { ref, bytes } = membersOf(value, 'args', ['ref', 'bytes'])
    return { ref: parseRef(ref), bytes: parseBytesOf(bytes, 'bytes', least, most) }
  }
}

export const macRuns: RunForm<BytesArguments> = {
  common: () => null,
  values: ({ bytes }) => [bytes],
  args: (ref, common, item) => {
    requireNothing(common)
    requireValues(item, 1)
    return { ref, bytes: parseBytesOf(item[firstValue], 'bytes', 0, maxBytes) }
  },
}

export const parseWrapArguments = parseRefAndBytes(1, maxWrappableBytes)
export const parseUnwrapArguments = parseRefAndBytes(0, maxWrappedBytes)
export const parseDeriveArguments = parseRefAndBytes(1, maxSpkiBytes)

function requireValues(item: RunItem, count: number): void {
  if (item.length !== firstValue + count) throw malformed('args')
}

function requireNothing(common: unknown): void {
  if (common !== null) throw malformed('args')
}
