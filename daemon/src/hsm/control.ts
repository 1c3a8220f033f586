import { z } from 'zod'

/** What passes between supervisor and host over Node's IPC channel: control only, never a call, never a secret. */

/** Where a host finds the operator's secret: a pipe that holds it and then ends. No argument, environment or file has it. */
export const secretDescriptor = 4
/** The longest secret that an operator gives, in bytes. */
export const maxSecretBytes = 1023

/** How often a ready host says that its event loop turns. */
export const heartbeatMs = 250

export const startOrder = z.object({
  start: z.object({
    index: z.int().min(0),
    runDir: z.string(),
    sharing: z.object({ uid: z.int(), gid: z.int() }).optional(),
    plugin: z.object({ specifier: z.string(), config: z.unknown() }),
    /** The operator's secret is at {@link secretDescriptor}. */
    secret: z.boolean(),
  }),
})
export type StartOrder = z.infer<typeof startOrder>

export const hostReport = z.union([
  z.object({ beat: z.literal(true) }),
  z.object({ ready: z.literal(true) }),
  z.object({
    failed: z.object({ code: z.string(), message: z.string(), facts: z.record(z.string(), z.unknown()) }),
  }),
])
export type HostReport = z.infer<typeof hostReport>
