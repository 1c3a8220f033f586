import { z } from 'zod'
import { decodeBase64 } from './base64.ts'

/** What an issue carries to be answered with a code of its own. */
export type IssueCode = 'malformed-base64' | 'body-too-large'

/** No control characters and no half surrogates: neither a terminal nor canonical JSON (RFC 8785) can take them. */
const plain = /^[^\p{Cc}\p{Cs}]*$/u
const plainLines = /^(?:[^\p{Cc}\p{Cs}]|[\n\t])*$/u

/** The name of a space, a key or an identity. */
export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z 0-9 . _ - and begin with a-z 0-9')

/** Text a caller chose and the engine judges, such as the name of an algorithm. */
export const label = z.string().min(1).max(64).regex(plain, 'must be well-formed text without control characters')

/** Text of a form, without control characters and half surrogates. */
export const plainText = (form: RegExp, message: string) => z.string().regex(plain, message).regex(form, message)

export const description = z.string().max(1024).regex(plainLines, 'must be well-formed text')

export const tags = z
  .record(
    z.string().regex(/^[a-zA-Z0-9._/-]{1,63}$/),
    z.string().max(255).regex(plain, 'must be well-formed text without control characters'),
  )
  .refine(entries => Object.keys(entries).length <= 32, 'must have 32 entries at most')

export const version = z.int().min(1).max(0xffff_ffff)

/** A moment as RFC 3339, UTC or with an offset. */
export const moment = z.iso.datetime({ offset: true })

/** The most bytes of one input: a message, a plaintext, data to authenticate. */
export const inputLimit = 64 * 1024

/** Bytes as base64 or base64url, padded or not, `limit` of them at most. */
export function bytesUpTo(limit: number) {
  const maxLength = Math.ceil(limit / 3) * 4
  return z
    .string()
    .transform((text, context) => {
      const refuse = (code: IssueCode, message: string) => {
        context.issues.push({ code: 'custom', message, params: { code, limit }, input: text })
        return z.NEVER
      }
      if (text.length > maxLength) return refuse('body-too-large', `must be at most ${limit} bytes`)
      const decoded = decodeBase64(text)
      if (decoded === undefined) return refuse('malformed-base64', 'must be base64 or base64url')
      return decoded.length > limit ? refuse('body-too-large', `must be at most ${limit} bytes`) : decoded
    })
    .meta({ contentEncoding: 'base64', maxLength })
}

export const bytes = bytesUpTo(inputLimit)

/** Bytes of an answer: always standard base64 with padding. */
export const base64 = z.string().meta({ contentEncoding: 'base64' })

/** A whole number as it comes in a URL: plain decimal digits only. */
const digits = z
  .string()
  .regex(/^[1-9][0-9]{0,9}$/, 'must be a whole number')
  .transform(Number)

export const urlVersion = digits.pipe(version)

export const listQuery = z.strictObject({
  limit: digits.pipe(z.int().min(1).max(1000)).default(100),
  /** The `next` of the page before. */
  after: z.string().min(1).max(1024).regex(plain, 'must be the cursor of an earlier page').optional(),
})

export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().optional() })
}
