import { isAbsolute } from 'node:path'
import { z } from 'zod'

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path')
const plugin = {
  /** The npm package, or a file: URL. */
  plugin: z.string().min(1),
  /** The plugin's own configuration; it checks it itself. */
  config: z.record(z.string(), z.unknown()).default({}),
}

/** `warder.toml`. Every path is absolute; no value is a secret. Unknown keys are refused. */
export const configSchema = z.strictObject({
  /** Names this node in the journal. */
  node: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a host name'),
  /** Holds the journal and the sealed store secret. */
  dataDir: absolutePath,
  listen: z.strictObject({
    host: z.string().min(1),
    /** 0 is any free port. */
    port: z.int().min(0).max(65_535),
  }),
  tls: z.strictObject({
    /** PEM: the server certificate, followed by its intermediates. */
    certificate: absolutePath,
    /** PEM: its private key, readable to this user only. */
    key: absolutePath,
  }),
  /** The only packages that are ever imported as plugins. */
  plugins: z.strictObject({ allow: z.array(z.string().min(1)).min(1) }),
  storage: z.strictObject(plugin),
  hsm: z.strictObject({
    ...plugin,
    /** Holds the HSM hosts' sockets; mode 0700. */
    runDir: absolutePath,
    hosts: z.int().min(1).max(8).default(2),
    /** Milliseconds a host may be silent before it is killed and started anew. */
    watchdogMs: z.int().min(1000).max(60_000).default(2000),
  }),
})

export type Config = z.output<typeof configSchema>
