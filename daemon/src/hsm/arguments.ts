import {
  keyAlgorithms,
  keyUsages,
  type KeySpec,
  type OaepAlgorithm,
  type ResidentRef,
  type SealedRef,
  type WrappedImport,
} from '@warder/contract'
import { z } from 'zod'
import { malformed, membersOf, parseBytesOf, parseRef, parseSealedRef } from './argument-checks.ts'
import { parseOaep } from './operation-arguments.ts'

/** The arguments of what is seldom done. */
const maxSpkiBytes = 2048
const maxImportBytes = 16 * 1024

const bytes = (least: number, most: number) =>
  z.instanceof(Uint8Array).refine(value => value.length >= least && value.length <= most)

const spec: z.ZodType<KeySpec> = z
  .strictObject({
    algorithm: z.enum(keyAlgorithms),
    usage: z.enum([...keyUsages, 'import']),
    custody: z.enum(['resident', 'sealed']),
    exportable: z.boolean(),
    id: z.string().regex(/^[0-9a-f]{32}$/),
  })
  .refine(({ custody, usage, exportable }) => !exportable || (custody === 'sealed' && usage !== 'import'))

export const noArguments = z.strictObject({})
export const specArguments = z.strictObject({ spec })
export const lengthArguments = z.strictObject({ length: z.int().min(1).max(4096) })
export const secretArguments = z.strictObject({ secret: bytes(32, 32) })
export const sealedArguments = z.strictObject({ sealed: bytes(1, 4096) })

export function parseResidentArguments(value: unknown): { readonly ref: ResidentRef } {
  const ref = parseRef(membersOf(value, 'args', ['ref']).ref)
  if (ref.custody !== 'resident') throw malformed('ref')
  return { ref }
}

export function parseSealedArguments(value: unknown): { readonly ref: SealedRef } {
  return { ref: parseSealedRef(membersOf(value, 'args', ['ref']).ref) }
}

export function parseImportArguments(value: unknown): { readonly request: WrappedImport } {
  const { request } = membersOf(value, 'args', ['request'])
  const members = membersOf(request, 'request', ['under', 'oaep', 'wrapped', 'spec', 'spki'])
  const parsed = {
    under: parseSealedRef(members.under, 'under'),
    oaep: parseOaep(members.oaep, 'oaep'),
    // what is too short is the provider's to refuse, like all that cannot be opened
    wrapped: parseBytesOf(members.wrapped, 'wrapped', 0, maxImportBytes),
    spec: parseBySchema(spec, members.spec),
  }
  const { algorithm } = parsed.spec
  const secret = algorithm === 'AES-256' || algorithm.startsWith('HMAC-')
  if (members.spki === undefined || members.spki === null) {
    if (!secret) throw malformed('spki')
    return { request: parsed }
  }
  return { request: { ...parsed, spki: parseBytesOf(members.spki, 'spki', 1, maxSpkiBytes) } }
}

export interface ExportArguments {
  readonly ref: SealedRef
  readonly recipient: Uint8Array
  readonly oaep: OaepAlgorithm
}

export function parseExportArguments(value: unknown): ExportArguments {
  const { ref, recipient, oaep } = membersOf(value, 'args', ['ref', 'recipient', 'oaep'])
  return {
    ref: parseSealedRef(ref),
    recipient: parseBytesOf(recipient, 'recipient', 1, maxSpkiBytes),
    oaep: parseOaep(oaep, 'oaep'),
  }
}

/** @throws WarderError `malformed-request` naming the argument, never its value. */
export function parseBySchema<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw malformed(parsed.error.issues[0]?.path.join('.') || 'args')
}
