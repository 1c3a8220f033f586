import { z } from 'zod'

/** What passes between supervisor and host over Node's IPC channel: control only, never a call, never a secret. */

/** How often a ready host says that its event loop turns. */
export const heartbeatMs = 250

export const startOrder = z.object({
  start: z.object({
    index: z.int().min(0),
    runDir: z.string(),
    sharing: z.object({ uid: z.int(), gid: z.int() }).optional(),
    plugin: z.object({ specifier: z.string(), config: z.unknown() }),
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
