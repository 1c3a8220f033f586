import { warderCodes } from '@warder/contract'
import { z } from 'zod'
import { maxSecretBytes } from './control.ts'

/**
 * What passes on the supervisor's control socket: one request, then one answer, then the end; in the frames of the channel.
 */
const pin = z.custom<Uint8Array>(
  value => value instanceof Uint8Array && value.length > 0 && value.length <= maxSecretBytes,
)

const request = z.union([
  z.strictObject({ op: z.enum(['status', 'seal']) }),
  z.strictObject({ op: z.literal('unseal'), pin: pin.optional() }),
])
export type ControlRequest = z.infer<typeof request>

/** The longest request that is read, in bytes of payload. */
export const maxRequestBytes = 2048

const failure = z.strictObject({ code: z.enum(warderCodes), message: z.string() })

const status = z.strictObject({
  state: z.enum(['starting', 'serving', 'refused', 'sealed', 'stopped']),
  /** Who has the PIN. */
  pin: z.enum(['operator', 'configured']),
  ready: z.int().min(0),
  hosts: z.int().min(0),
  /** What the last host that could not start said. */
  error: failure.optional(),
  /** Where there are several: each in the order of the configuration. `refused`: only `unseal` has it tried again. */
  tokens: z
    .array(
      z.strictObject({
        ready: z.int().min(0),
        hosts: z.int().min(0),
        refused: z.boolean(),
        error: failure.exactOptional(),
      }),
    )
    .exactOptional(),
})
/** `changed`: false when there was nothing to do. */
const answer = z.union([
  z.strictObject({ ok: z.strictObject({ changed: z.boolean(), status }) }),
  z.strictObject({ error: z.unknown() }),
])

export type ControlStatus = z.infer<typeof status>
export type ControlAnswer = z.infer<typeof answer>

/** `undefined` when it is no request of this protocol; such a peer is hung up on. */
export function parseControlRequest(message: unknown): ControlRequest | undefined {
  const parsed = request.safeParse(message)
  return parsed.success ? parsed.data : undefined
}

/** `undefined` when it is no answer of this protocol. The error in it is not yet validated. */
export function parseControlAnswer(message: unknown): ControlAnswer | undefined {
  const parsed = answer.safeParse(message)
  return parsed.success ? parsed.data : undefined
}
