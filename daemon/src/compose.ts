import { join } from 'node:path'
import { type Health, type Log, type Op, type PluginHost, type Store, WarderError } from '@warder/contract'
import {
  type AdminKeyDelivery,
  createEngine,
  initialise,
  type Initialised,
  type Ports,
  recoverAdministrator,
} from '@warder/core'
import { recordCeremonies } from './ceremony/record.ts'
import { transcriptsIn } from './ceremony/transcripts.ts'
import { Closer } from './closer.ts'
import type { Config } from './config/schema.ts'
import { hostCount, tokenConfigs } from './config/tokens.ts'
import { readVersion } from './config/version.ts'
import { withDeadline } from './deadline.ts'
import { EngineKeeper, type OpenedEngine } from './engine/engine-keeper.ts'
import { connectHsm, type ConnectOptions, type HsmClient } from './hsm/client.ts'
import { createApp } from './http/app.ts'
import { listen, type Listener } from './http/listener.ts'
import { openJournalDirectory } from './journal/journal-directory.ts'
import { maintainRegularly } from './maintain.ts'
import { watchEventLoop } from './metrics/event-loop.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { meteredAnswers, meteredPorts } from './metrics/ports.ts'
import { loadPlugin } from './plugins/load.ts'
import { lockDataDirectory } from './recovery/data-lock.ts'
import { refuseUnfinished } from './recovery/unfinished.ts'
import { sealForLateTokens } from './seal-for-late-tokens.ts'
import { claimDataDirectory } from './serve/data-format.ts'
import { readTlsPair, type TlsPair } from './serve/tls-pair.ts'
import { createStoreSecretIfAbsent, openStoreSecret } from './store-secret.ts'
import { sharingOf } from './systemd/sharing.ts'
import type { Tracing } from './tracing/start.ts'

export interface Appliance extends AsyncDisposable {
  /** Where it serves, such as `https://127.0.0.1:8443`. */
  readonly url: string
  /** One line: why it serves nothing; `undefined` while it serves. */
  readonly whyNot: string | undefined
  /** Health of each part, by name. Never rejects. */
  health(op: Op): Promise<Readonly<Record<string, Health>>>
  readonly useCertificate: Listener['useCertificate']
}

export interface ComposeOptions {
  /** A listening socket that this process inherited; served in place of `listen`. */
  readonly fd?: number | undefined
  /** Told by the readiness probe besides the parts. */
  readonly notices?: () => Readonly<Record<string, Health>>
  /** What to serve with at first; read from where the configuration says when absent. The caller zeroes the key. */
  readonly tls?: TlsPair
  /** Gives up a start that is not done. */
  readonly signal?: AbortSignal
  /** Told when it is sealed, with why it serves nothing, and when it serves again. */
  readonly onChange?: (whyNot: string | undefined) => void
}

/** How long the HSM hosts may take to come up, and each plugin to open. */
const startTimeoutMs = 60_000

/**
 * The composition root: opens every part of the appliance in order and serves. When it rejects, nothing is left open. The
 * HSM hosts are not part of it: `warder-hsm` runs them, and this process only talks to them. While they are sealed it
 * serves all the same, and answers `sealed`.
 */
export async function compose(config: Config, log: Log, options: ComposeOptions = {}): Promise<Appliance> {
  const metrics = createMetrics({ process: true })
  const { fd, notices = () => ({}), signal = new AbortController().signal, onChange = () => {} } = options
  let tracing: Tracing | undefined
  const watch = { onAnswer: meteredAnswers(metrics), onCall: () => tracing?.onCall() }
  const serving = async (base: Base, closer: Closer, op: Op): Promise<Appliance> => {
    metrics.watchHsm(base.hsm)
    if (config.tracing !== undefined) tracing = closer.push(await beginTracing(config, config.tracing, log))
    const open = (each: Op): Promise<OpenedEngine> => openEngine(config, log, base, { metrics, tracing }, each)
    const keeper = closer.push(await EngineKeeper.start({ runDir: config.hsm.runDir, log, onChange, open }, op))
    const eventLoop = closer.push(watchEventLoop())
    const handle = createApp({
      engine: () => keeper.engine,
      whyNot: () => keeper.whyNot,
      notices,
      log,
      metrics,
      eventLoop,
      version: readVersion(),
      figures: () => keeper.engine?.figures(),
      traceRequest: tracing?.request,
    })
    const tls = options.tls ?? (await readTlsPair(config.tls, process.env))
    throwIfGivenUp(op)
    const listener = closer.push(await listen({ ...config.listen, fd, ...tls, handle }))
    const { address, port } = listener.address
    const url = `https://${fd === undefined ? config.listen.host : hostOf(address)}:${port}`
    log.info('serving', { url })
    return {
      url,
      get whyNot() {
        return keeper.engine === undefined ? keeper.whyNot : undefined
      },
      health: healthOp => keeper.health(healthOp),
      useCertificate: pair => listener.useCertificate(pair),
      [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
    }
  }
  return withBase(config, log, { signal }, serving, watch)
}

/** Loads what traces only where something is traced. */
async function beginTracing({ node }: Config, config: NonNullable<Config['tracing']>, log: Log): Promise<Tracing> {
  const { startTracing } = await import('./tracing/start.ts')
  return startTracing({ config, log, node, version: readVersion(), environment: process.env })
}

interface Watched {
  readonly metrics: Metrics
  readonly tracing: Tracing | undefined
}

async function openEngine(
  config: Config,
  log: Log,
  base: Base,
  { metrics, tracing }: Watched,
  op: Op,
): Promise<OpenedEngine> {
  const ports = meteredPorts(await openPorts(config, log, base, op), metrics)
  const opened = await createEngine(tracing?.ports(ports) ?? ports, op)
  const engine = tracing?.engine(opened) ?? opened
  await recordCeremonies(config.dataDir, engine, log)
  const maintenance = maintainRegularly(engine, log)
  const sealing = sealForLateTokens(config.dataDir, base.hsm, log)
  return {
    engine,
    endBackground: async () => {
      await Promise.all([maintenance[Symbol.asyncDispose](), sealing[Symbol.asyncDispose]()])
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

/** As it stands in a URL (RFC 3986 section 3.2.2). */
const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/**
 * First run: makes the store secret, the journal, the first spaces and the first administrator, and journals the digests of
 * key ceremonies, those of transcripts in the data directory too. Re-runnable.
 * @throws WarderError `sealed` while the HSM side is sealed.
 */
export async function initialiseAppliance(
  config: Config,
  log: Log,
  delivery?: AdminKeyDelivery,
  ceremonies: readonly string[] = [],
): Promise<Initialised> {
  const { signal } = new AbortController()
  return withBase(config, log, { signal }, async (base, closer, op) => {
    const initialised = await initialise(
      await openPorts(config, log, base, op, createStoreSecretIfAbsent),
      op,
      delivery,
      [...ceremonies, ...(await transcriptsIn(config.dataDir)).map(({ digest }) => digest)],
    )
    await closer[Symbol.asyncDispose]()
    return initialised
  })
}

/** Issues a new administrator's key, beside those there are. The appliance must not be running. */
export async function recoverAdmin(config: Config, log: Log, delivery: AdminKeyDelivery): Promise<void> {
  const { signal } = new AbortController()
  await withBase(config, log, { signal }, async (base, closer, op) => {
    await recoverAdministrator(await openPorts(config, log, base, op), delivery, op)
    await closer[Symbol.asyncDispose]()
  })
}

/** What stays open while the appliance is sealed. */
interface Base {
  readonly store: Store
  readonly hsm: HsmClient
}

/** Opens storage and the way to the HSM and hands them to `use`; closes them when that rejects. */
async function withBase<T>(
  config: Config,
  log: Log,
  op: Op,
  use: (base: Base, closer: Closer, op: Op) => Promise<T>,
  watch: Watch = {},
): Promise<T> {
  const run = async ({ store, connect }: Backends, closer: Closer): Promise<T> => {
    await refuseUnfinished(config.dataDir)
    throwIfGivenUp(op)
    return use({ store, hsm: await connect() }, closer, op)
  }
  return withBackends(config, log, run, watch)
}

/** Told of calls to the HSM hosts. */
type Watch = Pick<ConnectOptions, 'onAnswer' | 'onCall'>

export interface Backends {
  readonly store: Store
  /** Begins to connect to the HSM hosts. It is closed with the store. */
  connect(): Promise<HsmClient>
  /** Connects, and resolves when a host is ready. @throws WarderError `sealed`, or `hsm-unavailable` within a minute. */
  openHsm(): Promise<HsmClient>
}

/**
 * Takes the data directory for itself, opens storage, and hands both to `use`; closes them when that rejects.
 * @throws WarderError `config-invalid`, fact `reason: already-running`, while another process has the data directory
 */
export async function withBackends<T>(
  config: Config,
  log: Log,
  use: (backends: Backends, closer: Closer) => Promise<T>,
  watch: Watch = {},
): Promise<T> {
  const closer = new Closer()
  const host: PluginHost = { log, now: () => new Date() }
  try {
    await claimDataDirectory(config.dataDir)
    closer.defer(await lockDataDirectory(config.dataDir))
    const storage = { specifier: config.storage.plugin, config: config.storage.config }
    const { service } = await loadPlugin('storage', storage, {
      allow: config.plugins.allow,
      host,
      openTimeoutMs: startTimeoutMs,
    })
    const store = closer.push(service)
    const connect = async (): Promise<HsmClient> => {
      const { runDir } = config.hsm
      const [hosts, tokens] = [hostCount(config.hsm), tokenConfigs(config.hsm).length]
      return closer.push(connectHsm({ runDir, hosts, tokens, sharing: await sharingOf(config.hsm), ...watch }))
    }
    const openHsm = async (): Promise<HsmClient> => {
      const hsm = await connect()
      await hsm.ready({ signal: AbortSignal.timeout(startTimeoutMs) })
      return hsm
    }
    return await use({ store, connect, openHsm }, closer)
  } catch (error) {
    await closer[Symbol.asyncDispose]().catch((cause: unknown) =>
      log.error('closing after a failed start failed', { cause: String(cause) }),
    )
    throw WarderError.is(error, 'plugin-failed') && WarderError.is(error.cause) ? error.cause : error
  }
}

/** What the engine stands on, opened anew for each one. @throws WarderError `sealed` while the HSM side is. */
async function openPorts(
  config: Config,
  log: Log,
  { store, hsm }: Base,
  op: Op,
  prepare?: typeof createStoreSecretIfAbsent,
): Promise<Ports> {
  return withDeadline(op, startTimeoutMs, async within => {
    await hsm.ready(within)
    await prepare?.(config.dataDir, hsm, within)
    return portsOf(config, { store, hsm, log }, within)
  })
}

/** What the engine stands on, over backends that are open. The store secret in it is for one engine. */
export async function portsOf(
  { dataDir, node }: Config,
  { store, hsm, log }: Pick<Ports, 'store' | 'hsm' | 'log'>,
  op: Op,
): Promise<Ports> {
  const storeSecret = await openStoreSecret(dataDir, hsm, op)
  return {
    store,
    hsm,
    journalFiles: await openJournalDirectory(journalDirectory(dataDir)),
    storeSecret,
    openStoreSecret: each => openStoreSecret(dataDir, hsm, each),
    log,
    now: () => new Date(),
    node,
  }
}

function throwIfGivenUp({ signal }: Op): void {
  if (signal.aborted) throw new WarderError('cancelled', 'The start was given up.', { cause: signal.reason })
}

export const journalDirectory = (dataDir: string): string => join(dataDir, 'journal')
