import { isAbsolute } from 'node:path'
import { WarderError } from '@warder/contract'
import { z } from 'zod'
import { mostHosts, mostTokens } from '../config/tokens.ts'

export const recycleCalls = z.int().min(0).max(1_000_000_000)
export const recycleRssMiB = z.int().min(0).max(1_048_576)

const schema = z.strictObject({
  /** Absolute; an existing directory of the user who runs this; mode 0700, or 2750 and of the group it is shared with. */
  runDir: z.string().refine(isAbsolute, 'must be an absolute path'),
  /** Who else may use the hosts, by number. */
  sharing: z.strictObject({ uid: z.int().min(0), gid: z.int().min(0) }).optional(),
  /** For all tokens together; see tokenOfHost. */
  hosts: z.int().min(1).max(mostHosts).default(2),
  /** Milliseconds a ready host may be silent before it is killed. */
  watchdogMs: z.int().min(1000).max(60_000).default(2000),
  /** A host that has made so many calls that leave memory behind is replaced. 0 or absent: never. */
  recycleCalls: recycleCalls.exactOptional(),
  /** A host whose memory has grown by so many MiB is replaced. 0 or absent: never. */
  recycleRssMiB: recycleRssMiB.exactOptional(),
  plugin: z.strictObject({
    /** What to import; nothing else is ever imported as the HSM. */
    specifier: z.string().min(1),
    /** The plugin's own; holds no secrets: PINs are references to files or credentials. */
    config: z.unknown(),
    /** The same for each further token that shares the root keys of the first. */
    peers: z
      .array(z.unknown())
      .max(mostTokens - 1)
      .exactOptional(),
  }),
})

export type SupervisorConfig = z.infer<typeof schema>

/** @throws WarderError `config-invalid` naming the field. */
export function parseSupervisorConfig(value: unknown): SupervisorConfig {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'hsm'
  throw new WarderError(
    'config-invalid',
    `The HSM configuration is wrong at ${field}: ${issue?.message ?? 'invalid'}`,
    {
      facts: { field },
    },
  )
}
