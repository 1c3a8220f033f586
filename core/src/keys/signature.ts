import { hash as hashAtOnce } from 'node:crypto'
import { type KeyAlgorithm, type SignatureAlgorithm, WarderError } from '@warder/contract'
import type { SignatureFormat, SignInput } from './model.ts'

export type HashName = 'sha256' | 'sha384' | 'sha512'

/** In bytes. */
export const hashLength = (hash: HashName): number => Number(hash.slice(3)) / 8

type Scheme =
  | { readonly family: 'ecdsa' | 'pss' | 'pkcs1'; readonly hash: HashName }
  /** Hashes inside (RFC 8032). */
  | { readonly family: 'eddsa'; readonly hash?: undefined }

export const schemes: Readonly<Record<SignatureAlgorithm, Scheme>> = {
  ES256: { family: 'ecdsa', hash: 'sha256' },
  ES384: { family: 'ecdsa', hash: 'sha384' },
  ES512: { family: 'ecdsa', hash: 'sha512' },
  PS256: { family: 'pss', hash: 'sha256' },
  PS384: { family: 'pss', hash: 'sha384' },
  PS512: { family: 'pss', hash: 'sha512' },
  RS256: { family: 'pkcs1', hash: 'sha256' },
  RS384: { family: 'pkcs1', hash: 'sha384' },
  RS512: { family: 'pkcs1', hash: 'sha512' },
  EdDSA: { family: 'eddsa' },
}

const rsa = ['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'] as const

/** What each key signs with; the first is the default. Curve and hash go together (RFC 7518 section 3.4). */
const allowed: Readonly<Partial<Record<KeyAlgorithm, readonly [SignatureAlgorithm, ...SignatureAlgorithm[]]>>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  'RSA-2048': rsa,
  'RSA-3072': rsa,
  'RSA-4096': rsa,
  Ed25519: ['EdDSA'],
}

/** @throws WarderError `unknown-algorithm`, or `algorithm-mismatch` when the key cannot sign with it. */
export function signatureAlgorithm(key: KeyAlgorithm, name: string | undefined): SignatureAlgorithm {
  const possible = allowed[key]
  if (possible === undefined) throw new WarderError('usage-not-allowed', `A ${key} key does not sign.`)
  if (name === undefined) return possible[0]
  if (!Object.hasOwn(schemes, name)) {
    const message = `Unknown signature algorithm; known are ${Object.keys(schemes).join(', ')}.`
    throw new WarderError('unknown-algorithm', message, { facts: { field: 'algorithm' } })
  }
  const algorithm = name as SignatureAlgorithm
  if (possible.includes(algorithm)) return algorithm
  throw new WarderError('algorithm-mismatch', `A ${key} key signs with ${possible.join(', ')}.`, {
    facts: { field: 'algorithm' },
  })
}

/** Only ECDSA signatures have two forms; DER unless told. @throws WarderError `malformed-request` for another's format. */
export function signatureFormat(
  algorithm: SignatureAlgorithm,
  format: SignatureFormat | undefined,
): SignatureFormat | undefined {
  const isEcdsa = schemes[algorithm].family === 'ecdsa'
  if (format !== undefined && !isEcdsa) {
    const message = `format applies to ECDSA; ${algorithm} has one form.`
    throw new WarderError('malformed-request', message, { facts: { field: 'format' } })
  }
  return format ?? (isEcdsa ? 'der' : undefined)
}

/** What the HSM gets: the digest, or for EdDSA the message (RFC 8032 hashes inside). */
export function signingInput(algorithm: SignatureAlgorithm, { input, prehashed = false }: SignInput): Uint8Array {
  const { hash } = schemes[algorithm]
  if (hash === undefined) {
    if (prehashed) {
      throw new WarderError('malformed-request', `${algorithm} signs the message; it cannot be hashed before.`, {
        facts: { field: 'prehashed' },
      })
    }
    return input
  }
  if (!prehashed) return hashAtOnce(hash, input, 'buffer')
  const length = hashLength(hash)
  if (input.length !== length) {
    throw new WarderError('malformed-request', `A prehashed input for ${algorithm} is ${length} bytes.`, {
      facts: { field: 'input' },
    })
  }
  return input
}

/** Turns r‖s (IEEE P1363) into ECDSA-Sig-Value (RFC 3279 section 2.2.3), DER. */
export function derFromRaw(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2
  const body = Buffer.concat([derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half))])
  const length = body.length < 128 ? [body.length] : [0x81, body.length]
  return Buffer.concat([Buffer.from([0x30, ...length]), body])
}

/** DER INTEGER of an unsigned big-endian number of at most 66 bytes (P-521). */
function derInteger(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const digits = bytes.subarray(start)
  const pad = (digits[0] as number) >= 0x80 ? [0] : []
  return Buffer.concat([Buffer.from([0x02, digits.length + pad.length, ...pad]), digits])
}
