import { keyAlgorithms, WarderError, type KeyRef, type SignatureAlgorithm } from '@warder/contract'
import { z } from 'zod'

const maxBlobBytes = 16 * 1024
const residentId = /^[0-9a-f]{32}$/

const bytes = (least: number, most: number) =>
  z.instanceof(Uint8Array).refine(value => value.length >= least && value.length <= most)

const residentRef = z.strictObject({
  custody: z.literal('resident'),
  algorithm: z.enum(keyAlgorithms),
  id: z.string().regex(residentId),
})

export const noArguments = z.strictObject({})
export const specArguments = z.strictObject({
  spec: z.strictObject({
    algorithm: z.enum(keyAlgorithms),
    custody: z.enum(['resident', 'sealed']),
    id: z.string().regex(residentId),
  }),
})
export const residentArguments = z.strictObject({ ref: residentRef })
export const lengthArguments = z.strictObject({ length: z.int().min(1).max(4096) })
export const secretArguments = z.strictObject({ secret: bytes(32, 32) })
export const sealedArguments = z.strictObject({ sealed: bytes(1, 4096) })

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

const keyAlgorithmSet: ReadonlySet<unknown> = new Set(keyAlgorithms)

/** By hand and not by schema: this runs for every signature. The result is built anew, so no other member gets through. */
export function parseSignArguments(value: unknown): SignArguments {
  const { ref, algorithm, input, ...others } = asMap(value, 'args')
  if (Object.keys(others).length > 0) throw malformed('args')
  if (typeof algorithm !== 'string' || !Object.hasOwn(digestBytes, algorithm)) throw malformed('algorithm')
  const expected = digestBytes[algorithm as SignatureAlgorithm]
  if (!(input instanceof Uint8Array) || (expected !== undefined && input.length !== expected)) throw malformed('input')
  return { ref: parseRef(ref), algorithm: algorithm as SignatureAlgorithm, input }
}

function parseRef(value: unknown): KeyRef {
  const { custody, algorithm, id, rootKey, blob, ...others } = asMap(value, 'ref')
  if (Object.keys(others).length > 0 || !keyAlgorithmSet.has(algorithm)) throw malformed('ref')
  const keyAlgorithm = algorithm as KeyRef['algorithm']
  if (custody === 'resident') {
    if (typeof id !== 'string' || !residentId.test(id) || rootKey !== undefined || blob !== undefined) {
      throw malformed('ref')
    }
    return { custody, algorithm: keyAlgorithm, id }
  }
  if (custody !== 'sealed' || id !== undefined) throw malformed('ref')
  if (typeof rootKey !== 'number' || !Number.isInteger(rootKey) || rootKey < 1 || rootKey > 0x7fffffff) {
    throw malformed('ref')
  }
  if (!(blob instanceof Uint8Array) || blob.length === 0 || blob.length > maxBlobBytes) throw malformed('ref')
  return { custody, algorithm: keyAlgorithm, rootKey, blob }
}

function asMap(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw malformed(field)
  return value as Record<string, unknown>
}

/** @throws WarderError `malformed-request` naming the argument, never its value. */
export function parseBySchema<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw malformed(parsed.error.issues[0]?.path.join('.') || 'args')
}

function malformed(field: string): WarderError {
  return new WarderError('malformed-request', 'The HSM host refused a malformed argument', { facts: { field } })
}
