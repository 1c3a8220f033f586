import {
  maxSignAll,
  oaepAlgorithms,
  type Ciphertext,
  type KeyRef,
  type OaepAlgorithm,
  type SignatureAlgorithm,
} from '@warder/contract'
import { malformed, membersOf, parseBytesOf, parseRef } from './argument-checks.ts'

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

export function parseSignArguments(value: unknown): SignArguments {
  const { ref, algorithm, input } = membersOf(value, 'args', ['ref', 'algorithm', 'input'])
  if (!isSignatureAlgorithm(algorithm)) throw malformed('algorithm')
  const length = digestBytes[algorithm]
  return {
    ref: parseRef(ref),
    algorithm,
    input: parseBytesOf(input, 'input', length ?? 0, length ?? Infinity),
  }
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

export function parseEncryptArguments(value: unknown): EncryptArguments {
  const { ref, plaintext, aad } = membersOf(value, 'args', ['ref', 'plaintext', 'aad'])
  return {
    ref: parseRef(ref),
    plaintext: parseBytesOf(plaintext, 'plaintext', 0, maxBytes),
    aad: parseBytesOf(aad, 'aad', 0, maxAadBytes),
  }
}

export interface DecryptArguments {
  readonly ref: KeyRef
  readonly input: Ciphertext
}

export function parseDecryptArguments(value: unknown): DecryptArguments {
  const { ref, input } = membersOf(value, 'args', ['ref', 'input'])
  return { ref: parseRef(ref), input: parseCiphertext(input) }
}

function parseCiphertext(value: unknown): Ciphertext {
  const { algorithm, ciphertext, iv, aad } = membersOf(value, 'input', ['algorithm', 'ciphertext', 'iv', 'aad'])
  const bytes = parseBytesOf(ciphertext, 'ciphertext', 0, maxCiphertextBytes)
  if (algorithm === 'A256GCM') {
    return {
      algorithm,
      iv: parseBytesOf(iv, 'iv', 0, maxIvBytes),
      ciphertext: bytes,
      aad: parseBytesOf(aad, 'aad', 0, maxAadBytes),
    }
  }
  if (iv !== undefined || aad !== undefined) throw malformed('input')
  return { algorithm: parseOaep(algorithm), ciphertext: bytes }
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

export const parseMacArguments = parseRefAndBytes(0, maxBytes)
export const parseWrapArguments = parseRefAndBytes(1, maxWrappableBytes)
export const parseUnwrapArguments = parseRefAndBytes(0, maxWrappedBytes)
export const parseDeriveArguments = parseRefAndBytes(1, maxSpkiBytes)
