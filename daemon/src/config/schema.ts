import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { recycleCalls, recycleRssMiB } from '../hsm/config.ts'
import { logLevels } from '../log/create-log.ts'
import { isSecretReference } from './secret-reference.ts'
import { mostTokens, tokenFaults } from './tokens.ts'
import { isTracingEndpoint } from './tracing-endpoint.ts'

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path')
/** As useradd(8) allows them. */
const account = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be the name of a system user or group')
const plugin = {
  /** The npm package, or a file: URL. */
  plugin: z.string().min(1),
  /** The plugin's own configuration; it checks it itself. */
  config: z.record(z.string(), z.unknown()).default({}),
}

/** `warder.toml` and `conf.d`. Every path is absolute; no value is a secret. Unknown keys are refused. */
export const configSchema = z.strictObject({
  /** Names this node in the journal. */
  node: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a host name'),
  /** The system user who runs `warder serve` and owns the data. Absent: whoever starts it. */
  user: account.optional(),
  /** Holds the journal, the sealed store secret and the format of both. */
  dataDir: absolutePath,
  /** The files that the units load as credentials, by the credentials' names. Only root reads them. */
  credentialsDir: absolutePath.default('/etc/warder/credentials'),
  log: z.strictObject({ level: z.enum(logLevels).default('info') }).prefault({}),
  /** Where to listen, unless a listening socket is passed to the process. */
  listen: z.strictObject({
    host: z.string().min(1),
    /** 0 is any free port. */
    port: z.int().min(0).max(65_535),
  }),
  tls: z.strictObject({
    /** PEM: the server certificate, followed by its intermediates. */
    certificate: absolutePath,
    /** PEM: its private key: a path, `file:/path`, or `credential:name`; readable to nobody who has no need. */
    key: z.string().refine(isSecretReference, 'must be an absolute path, file:/path or credential:name'),
    /** Where the certificate comes from, when it comes from the appliance's own authority. */
    internalCa: z
      .strictObject({
        /** The authority's certificate and key. Only root may enter it: the key makes certificates that callers trust. */
        directory: absolutePath,
        /** DNS names and IP addresses that callers use. */
        hosts: z.array(z.string().min(1)).min(1),
      })
      .optional(),
  }),
  /** The only packages that are ever imported as plugins. */
  plugins: z.strictObject({ allow: z.array(z.string().min(1)).min(1) }),
  storage: z.strictObject(plugin),
  /** Where spans of requests go (OTLP over HTTP, JSON). Absent: nothing is traced. */
  tracing: z
    .strictObject({
      /** The collector's URL, such as `http://127.0.0.1:4318/v1/traces`. Plain HTTP on this machine only. */
      endpoint: z
        .string()
        .refine(isTracingEndpoint, 'must be an https: URL, or http: to this machine, without a user or a password'),
      /** The share of requests that are traced, from 0 to 1, where the caller has not decided (`traceparent`). */
      ratio: z.number().min(0).max(1).default(0.1),
      /** More header fields for the collector, each a reference to a secret: a path, `file:/path`, or `credential:name`. */
      headers: z
        .record(
          z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header field'),
          z.string().refine(isSecretReference, 'must be an absolute path, file:/path or credential:name'),
        )
        .default({}),
    })
    .optional(),
  hsm: z
    .strictObject({
      ...plugin,
      /** Holds the HSM hosts' sockets; mode 0700, or 2750 and of `socketGroup`. */
      runDir: absolutePath,
      /** The system user who runs `warder-hsm`, when that is another than `user`. */
      user: account.optional(),
      /** The group whose members may use the HSM hosts, when those run as another user. */
      socketGroup: account.optional(),
      /** For each token. */
      hosts: z.int().min(1).max(8).default(2),
      /**
       * Several tokens that share the root keys: for each a table that is laid over `config`, member by member. The first is
       * the one that keys without a token on record are on. Absent: one token, as `config` has it.
       */
      tokens: z.array(z.record(z.string(), z.unknown())).min(1).max(mostTokens).exactOptional(),
      /** Milliseconds a host may be silent before it is killed and started anew. */
      watchdogMs: z.int().min(1000).max(60_000).default(2000),
      /**
       * A host that has made so many calls of the kinds that leave memory behind in PKCS#11 modules (generating, wrapping,
       * unwrapping, agreeing) is replaced by a new one, while the others serve. 0: never.
       */
      recycleCalls: recycleCalls.default(1_000_000),
      /** The same for a host whose resident memory has grown by so many MiB since it was ready. 0: never. */
      recycleRssMiB: recycleRssMiB.default(512),
    })
    .refine(({ user, socketGroup }) => (user === undefined) === (socketGroup === undefined), {
      message: 'user and socketGroup belong together',
    })
    .superRefine((hsm, context) => {
      for (const { path, message } of tokenFaults(hsm)) context.addIssue({ code: 'custom', path: [...path], message })
    }),
})

export type Config = z.output<typeof configSchema>
/** As it is written: what has a default may be left out. */
export type ConfigFile = z.input<typeof configSchema>
