import { z } from 'zod'

/** What passes between supervisor and host over Node's IPC channel: control only, never a call, never a secret. */

/** Where a host finds the operator's secret: a pipe that holds it and then ends. No argument, environment or file has it. */
export const secretDescriptor = 4
/** The longest secret that an operator gives, in bytes. */
export const maxSecretBytes = 1023

/** How long a host that is retired has for the calls it began: longer than any may take. */
export const retireMs = 65_000

/** How often a ready host says that its event loop turns. */
export const heartbeatMs = 250

export const startOrder = z.object({
  start: z.object({
    index: z.int().min(0),
    runDir: z.string(),
    sharing: z.object({ uid: z.int(), gid: z.int() }).optional(),
    /** What to open, and the tokens that share root keys with it. */
    plugin: z.object({ specifier: z.string(), config: z.unknown(), peers: z.array(z.unknown()).exactOptional() }),
    /** The operator's secret is at {@link secretDescriptor}. */
    secret: z.boolean(),
  }),
})
export type StartOrder = z.infer<typeof startOrder>

/** From the supervisor: take no more calls, end what was begun, and go. */
export const retireOrder = z.object({ retire: z.literal(true) })
export type RetireOrder = z.infer<typeof retireOrder>

const wear = z.object({
  /** Calls since the start of those kinds that leave memory behind. */
  calls: z.int().min(0),
  rssMiB: z.number().min(0),
})
export type Wear = z.infer<typeof wear>

export const hostReport = z.union([
  z.object({ beat: wear }),
  z.object({ ready: z.literal(true) }),
  z.object({
    failed: z.object({ code: z.string(), message: z.string(), facts: z.record(z.string(), z.unknown()) }),
  }),
])
export type HostReport = z.infer<typeof hostReport>
