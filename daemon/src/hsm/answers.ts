import {
  keyAlgorithms,
  keyUsages,
  oaepAlgorithms,
  signatureAlgorithms,
  WarderError,
  type GeneratedKey,
  type RootKeyBackup,
  type Sealed,
  type SealedRef,
  type TokenState,
} from '@warder/contract'
import { z } from 'zod'

const anyBytes = z.instanceof(Uint8Array)
/** Copies the bytes out of the read buffer they are a view of, and wipes them there: see Channel. */
const bytes = anyBytes.refine(value => value.length > 0).transform(takeBytes)

const algorithm = z.enum(keyAlgorithms)
const usage = z.enum([...keyUsages, 'import'])

export const capabilitiesAnswer = z.object({
  token: z.object({
    label: z.string(),
    serial: z.string(),
    manufacturer: z.string(),
    model: z.string(),
    firmware: z.string(),
  }),
  generate: z.object({ resident: z.array(algorithm), sealed: z.array(algorithm) }),
  usages: z.array(z.enum(keyUsages)),
  sign: z.array(z.enum(signatureAlgorithms)),
  encrypt: z.array(z.enum(['A256GCM', ...oaepAlgorithms])),
  mechanisms: z.array(z.string()),
})

/** As long as CK_TOKEN_INFO has them (PKCS#11 section 3.2), and others a little longer. */
const serial = z.string().min(1).max(64)
export const tokenAnswer: z.ZodType<TokenState> = z.object({ serial, rootKeys: z.array(z.int().min(1)).max(10_000) })

export const sealedRefAnswer: z.ZodType<SealedRef> = z.object({
  custody: z.literal('sealed'),
  algorithm,
  usage,
  exportable: z.boolean(),
  rootKey: z.int().min(1),
  blob: bytes,
})
const residentRefAnswer = z.object({
  custody: z.literal('resident'),
  algorithm,
  usage,
  id: z.string(),
  token: serial.exactOptional(),
})

/** A pair has a public half, a secret key a check value. */
const halves = { spki: bytes.exactOptional(), checkValue: bytes.exactOptional() }
const hasOneHalf = (value: { spki?: Uint8Array; checkValue?: Uint8Array }): boolean =>
  (value.spki === undefined) !== (value.checkValue === undefined)

export const generatedAnswer: z.ZodType<GeneratedKey> = z
  .object({ ref: z.union([sealedRefAnswer, residentRefAnswer]), ...halves })
  .refine(hasOneHalf)

export const locatedAnswer = z
  .object(halves)
  .refine(hasOneHalf)
  .nullable()
  .transform(value => value ?? undefined)

export const rootKeyAnswer = z.int().min(1)
export const rootKeyBackupAnswer: z.ZodType<RootKeyBackup> = z.object({
  recipient: bytes.nullable().transform(value => value ?? undefined),
  keys: z.array(
    z.object({ purpose: z.string(), number: z.int().min(1), oaep: z.enum(oaepAlgorithms), wrapped: bytes }),
  ),
  missing: z.array(z.string()),
})
const count = z.int().min(0)
export const figuresAnswer = z
  .object({
    sessions: z.object({ open: count, inUse: count, waiting: count }),
    cache: z.object({ entries: count, unwrapping: count, hits: count, misses: count, evictions: count }),
  })
  .nullable()
  .transform(value => value ?? undefined)
export const healthAnswer = z.object({ ok: z.boolean(), detail: z.string() })
export const nothingAnswer = z.null().transform(() => undefined)

export function parseBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length === 0) throw unusable()
  return takeBytes(value)
}

export function parseSignatures(value: unknown): readonly Uint8Array[] {
  if (!Array.isArray(value)) throw unusable()
  return value.map(parseBytes)
}

/** For what may well be of no length at all. */
export function parsePlaintext(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unusable()
  return takeBytes(value)
}

/** By hand and not by schema: it runs for every encryption. */
export function parseSealed(value: unknown): Sealed {
  if (typeof value !== 'object' || value === null) throw unusable()
  const { iv, ciphertext } = value as Partial<Record<keyof Sealed, unknown>>
  if (!(iv instanceof Uint8Array) || iv.length !== 12) throw unusable()
  if (!(ciphertext instanceof Uint8Array) || ciphertext.length < 16) throw unusable()
  return { iv: takeBytes(iv), ciphertext: takeBytes(ciphertext) }
}

/** @throws WarderError `hsm-failed`: the host does not keep to the protocol. */
export function answerBySchema<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw unusable()
  return parsed.data
}

function takeBytes(view: Uint8Array): Uint8Array {
  const own = new Uint8Array(view)
  view.fill(0)
  return own
}

function unusable(): WarderError {
  return new WarderError('hsm-failed', 'The HSM host answered in no known form')
}
