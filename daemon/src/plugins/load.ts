import type { PluginHost, Service, StandardIssue } from '@warder/contract'
import { pluginFailed, type PluginPlace } from './faults.ts'
import { requireShared, resolvePlugin, type PluginKind, type PluginKinds, type ResolveOptions } from './resolve.ts'

export type ServiceOf<Kind extends PluginKind> = Awaited<ReturnType<PluginKinds[Kind]['open']>>

export interface PluginEntry {
  /** A package name or a file: URL. */
  readonly specifier: string
  /** The plugin's own part of the configuration, as it was written. */
  readonly config: unknown
  /** Of an HSM: the same for the other tokens that share its root keys. */
  readonly peers?: readonly unknown[]
}

export interface LoadOptions<Kind extends PluginKind> extends ResolveOptions<Kind> {
  readonly host: PluginHost
  /** How long parsing its configuration and opening may take together, in milliseconds. */
  readonly openTimeoutMs: number
}

export interface LoadedPlugin<Kind extends PluginKind> {
  readonly service: ServiceOf<Kind>
  readonly name: string
  readonly version: string
}

/**
 * Loads and opens a plugin: allow-list, import, export, kind, contract, capabilities, configuration, `open`. The caller
 * closes the service. An HSM plugin that cannot share root keys is refused when there are others to share them with.
 * @throws WarderError `plugin-failed`, facts `plugin`, `fault` and `field`; nothing is left open. An `open` that does not
 *   end in time is told so by its signal, and a service that it brings later is closed at once.
 */
export async function loadPlugin<Kind extends PluginKind>(
  kind: Kind,
  entry: PluginEntry,
  options: LoadOptions<Kind>,
): Promise<LoadedPlugin<Kind>> {
  const plugin = await resolvePlugin(kind, entry.specifier, options)
  const place = { kind, specifier: entry.specifier }
  const others = entry.peers ?? []
  if (others.length > 0) requireShared(plugin, place)
  const deadline = startDeadline(options.openTimeoutMs)
  try {
    const config = await parseConfig(plugin, entry.config, place, deadline)
    const peers = await Promise.all(others.map(each => parseConfig(plugin, each, place, deadline)))
    const service = await open(plugin, { config, peers }, options.host, place, deadline)
    return { service: service as ServiceOf<Kind>, name: plugin.name, version: plugin.version }
  } finally {
    deadline.clear()
  }
}

interface Deadline {
  readonly signal: AbortSignal
  /** Rejects with `late` when the time is up. */
  race<T>(work: Promise<T>, late: () => Error): Promise<T>
  clear(): void
}

function startDeadline(timeoutMs: number): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), timeoutMs)
  const { signal } = controller
  const race = <T>(work: Promise<T>, late: () => Error): Promise<T> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => reject(late())
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  return { signal, race, clear: () => clearTimeout(timer) }
}

type AnyPlugin = PluginKinds[PluginKind]

async function parseConfig(
  plugin: AnyPlugin,
  config: unknown,
  place: PluginPlace,
  deadline: Deadline,
): Promise<unknown> {
  let parsed
  try {
    // Its schema is foreign code: a throw, also one outside a promise, is a refusal.
    const parsing = (async () => plugin.config['~standard'].validate(config))()
    parsed = await deadline.race(parsing, () => new Error('not checked in time'))
  } catch (cause) {
    throw pluginFailed('bad-config', place, 'config', 'could not be checked', 'ask its author', cause)
  }
  if (parsed.issues === undefined) return parsed.value
  const [issue] = parsed.issues
  const field = ['config', ...pathOf(issue)].join('.')
  throw pluginFailed(
    'bad-config',
    place,
    field,
    issue?.message ?? 'is not valid',
    'correct it as its documentation says',
  )
}

function pathOf(issue: StandardIssue | undefined): readonly string[] {
  return (issue?.path ?? []).map(step => String(typeof step === 'object' ? step.key : step))
}

async function open(
  plugin: AnyPlugin,
  { config, peers }: { readonly config: unknown; readonly peers: readonly unknown[] },
  host: PluginHost,
  place: PluginPlace,
  deadline: Deadline,
): Promise<Service> {
  let abandoned = false
  const op = { signal: deadline.signal }
  const opening = (async (): Promise<Service> =>
    plugin.kind === 'hsm' && peers.length > 0 ? plugin.open(config, host, op, peers) : plugin.open(config, host, op))()
  // Nobody waits for it any more: whatever it brings is closed, and a failure concerns nobody.
  opening
    .then(service => (abandoned && isService(service) ? service[Symbol.asyncDispose]() : undefined))
    .catch(() => undefined)
  let service
  try {
    service = await deadline.race(opening, () => {
      abandoned = true
      return pluginFailed(
        'open-timed-out',
        place,
        '',
        'did not open in time',
        'check that what it connects to can be reached',
      )
    })
  } catch (cause) {
    if (abandoned) throw cause
    throw pluginFailed('open-failed', place, '', 'failed to open', 'see its cause in the log', cause)
  }
  if (isService(service)) return service
  throw pluginFailed(
    'not-a-service',
    place,
    '',
    'opened something that cannot be closed or asked for its health',
    'ask its author',
  )
}

function isService(value: unknown): value is Service {
  return (
    typeof value === 'object' &&
    value !== null &&
    'health' in value &&
    typeof value.health === 'function' &&
    Symbol.asyncDispose in value &&
    typeof value[Symbol.asyncDispose] === 'function'
  )
}
