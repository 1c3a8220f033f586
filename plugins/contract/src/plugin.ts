import type { StandardSchema } from './standard-schema.ts'

/** The major of this contract. Additions within a major are optional members only. */
export const contractMajor = 1

/**
 * A plugin is one exported constant named `plugin`. Importing its module does nothing: no I/O, no timers, no globals.
 *
 * `supports` is a claim and is tested: the conformance suite fails a plugin whose flags lie.
 */
export interface Plugin<Kind extends string, Capability extends string, Config, S extends Service> {
  readonly kind: Kind
  /** The name configuration uses, `[a-z][a-z0-9-]*`. */
  readonly name: string
  /** The plugin's own semantic version. */
  readonly version: string
  /** The contract major it was written for. */
  readonly contract: typeof contractMajor
  readonly supports: Readonly<Record<Capability, boolean>>
  /** Parsed before `open`; unknown keys must be refused. */
  readonly config: StandardSchema<Config>
  /**
   * What it reaches outside of the machine's file system with this configuration, which a hardened service manager has to let
   * through. Absent or `undefined`: it cannot tell. Opens nothing.
   */
  reaches?(config: Config): readonly PluginReach[] | undefined
  /** Opens the service. When it rejects, nothing is left open. Called under a deadline carried by `op`. */
  open(config: Config, host: PluginHost, op: Op): Promise<S>
}

/** - `network`: connections to other machines, or to this one over TCP.
 * - `device`: a device file of its own. */
export type PluginReach = 'network' | 'device'

/** What every call that does I/O takes: a signal that ends it. An aborted call rejects with `cancelled` or its own error. */
export interface Op {
  readonly signal: AbortSignal
  /**
   * Whom the work is for, so that one who asks for much does not keep others waiting. Believed for that and for nothing
   * else. Absent: the appliance itself.
   */
  readonly tenant?: string
}

/** Closing is idempotent: a second `[Symbol.asyncDispose]()` resolves and does nothing. */
export interface Service extends AsyncDisposable {
  health(op: Op): Promise<Health>
}

export interface Health {
  readonly ok: boolean
  /** One line for an operator; no secrets, no paths below the appliance's own directories. */
  readonly detail: string
}

/** What a plugin gets from the appliance, and all it gets: no environment, no engine. */
export interface PluginHost {
  readonly log: Log
  now(): Date
  /**
   * A secret that this plugin's own configuration refers to, for as long as `open` runs. The bytes are the caller's, who
   * zeroes them; a file's are as they are, with the newline at its end. Absent where a host has none to give.
   * @throws WarderError `config-invalid` when the configuration has no such reference, or the secret cannot be read, or
   *   everybody on the machine may read it; `sealed` when the operator has not given it.
   */
  secret?(reference: SecretReference, op: Op): Promise<Uint8Array>
}

/**
 * Where a secret is, as a table in a plugin's configuration that holds this and nothing else: a file, a systemd credential,
 * or the operator, who gives it while the appliance runs (`warder unseal`); at most one table names the operator. Whoever
 * takes `operator` takes `file` in its place: commands that prepare a token lend the operator's secret as a file.
 */
export type SecretReference = { readonly file: string } | { readonly credential: string } | { readonly operator: true }

/** Fields go beside the message, never into it. A field is never a secret, a key, an input or an output. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>
