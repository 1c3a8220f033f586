import { keyAlgorithms, signatureAlgorithms, WarderError, type GeneratedKey } from '@warder/contract'
import { z } from 'zod'

/** Copies the bytes out of the read buffer they are a view of, and wipes them there: see Channel. */
const bytes = z
  .instanceof(Uint8Array)
  .refine(value => value.length > 0)
  .transform(takeBytes)

export const capabilitiesAnswer = z.object({
  token: z.object({
    label: z.string(),
    serial: z.string(),
    manufacturer: z.string(),
    model: z.string(),
    firmware: z.string(),
  }),
  generate: z.object({ resident: z.array(z.enum(keyAlgorithms)), sealed: z.array(z.enum(keyAlgorithms)) }),
  sign: z.array(z.enum(signatureAlgorithms)),
  mechanisms: z.array(z.string()),
})

const algorithm = z.enum(keyAlgorithms)
export const generatedAnswer: z.ZodType<GeneratedKey> = z.object({
  ref: z.discriminatedUnion('custody', [
    z.object({ custody: z.literal('resident'), algorithm, id: z.string() }),
    z.object({ custody: z.literal('sealed'), algorithm, rootKey: z.int().min(1), blob: bytes }),
  ]),
  spki: bytes,
})

export const locatedAnswer = z
  .object({ spki: bytes })
  .nullable()
  .transform(value => value ?? undefined)
export const healthAnswer = z.object({ ok: z.boolean(), detail: z.string() })
export const nothingAnswer = z.null().transform(() => undefined)

export function parseBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length === 0) throw unusable()
  return takeBytes(value)
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
