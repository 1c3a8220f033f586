import { join } from 'node:path'
import { type Health, type Log, type Op, type PluginHost, WarderError } from '@warder/contract'
import { createEngine, initialise, type Initialised, type Ports } from '@warder/core'
import { Closer } from './closer.ts'
import type { Config } from './config/schema.ts'
import { readVersion } from './config/version.ts'
import { connectHsm } from './hsm/client.ts'
import { createApp } from './http/app.ts'
import { listen, type Listener } from './http/listener.ts'
import { openJournalDirectory } from './journal/journal-directory.ts'
import { maintainRegularly } from './maintain.ts'
import { watchEventLoop } from './metrics/event-loop.ts'
import { createMetrics } from './metrics/metrics.ts'
import { meteredPorts } from './metrics/ports.ts'
import { loadPlugin } from './plugins/load.ts'
import { claimDataDirectory } from './serve/data-format.ts'
import { readTlsPair, type TlsPair } from './serve/tls-pair.ts'
import { createStoreSecretIfAbsent, openStoreSecret } from './store-secret.ts'
import { sharingOf } from './systemd/sharing.ts'

export interface Appliance extends AsyncDisposable {
  /** Where it serves, such as `https://127.0.0.1:8443`. */
  readonly url: string
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
}

/** How long the HSM hosts may take to come up, and each plugin to open. */
const startTimeoutMs = 60_000

/**
 * The composition root: opens every part of the appliance in order and serves. When it rejects, nothing is left open. The
 * HSM hosts are not part of it: `warder-hsm` runs them, and this process only talks to them.
 */
export async function compose(config: Config, log: Log, options: ComposeOptions = {}): Promise<Appliance> {
  const metrics = createMetrics({ process: true })
  return withPorts(config, log, async (ports, closer, op) => {
    const engine = closer.push(await createEngine(meteredPorts(ports, metrics), op))
    closer.push(maintainRegularly(engine, log))
    const eventLoop = closer.push(watchEventLoop())
    const { fd, notices = () => ({}) } = options
    const handle = createApp({
      engine: () => engine,
      whyNot: () => 'The appliance is starting.',
      notices,
      log,
      metrics,
      eventLoop,
      version: readVersion(),
      figures: () => engine.figures(),
    })
    const tls = options.tls ?? (await readTlsPair(config.tls, process.env))
    const listener = closer.push(await listen({ ...config.listen, fd, ...tls, handle }))
    const { address, port } = listener.address
    const url = `https://${fd === undefined ? config.listen.host : hostOf(address)}:${port}`
    log.info('serving', { url })
    return {
      url,
      health: healthOp => engine.health(healthOp),
      useCertificate: pair => listener.useCertificate(pair),
      [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
    }
  })
}

/** As it stands in a URL (RFC 3986 section 3.2.2). */
const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** First run: makes the store secret, the journal, the first spaces and the first administrator. Re-runnable. */
export async function initialiseAppliance(config: Config, log: Log): Promise<Initialised> {
  return withPorts(
    config,
    log,
    async (ports, closer, op) => {
      const initialised = await initialise(ports, op)
      await closer[Symbol.asyncDispose]()
      return initialised
    },
    createStoreSecretIfAbsent,
  )
}

/** Opens what the engine stands on and hands it to `use`; closes it when that rejects. */
async function withPorts<T>(
  config: Config,
  log: Log,
  use: (ports: Ports, closer: Closer, op: Op) => Promise<T>,
  prepare?: typeof createStoreSecretIfAbsent,
): Promise<T> {
  const closer = new Closer()
  const op: Op = { signal: AbortSignal.timeout(startTimeoutMs) }
  const host: PluginHost = { log, now: () => new Date() }
  try {
    await claimDataDirectory(config.dataDir)
    const storage = { specifier: config.storage.plugin, config: config.storage.config }
    const { service } = await loadPlugin('storage', storage, {
      allow: config.plugins.allow,
      host,
      openTimeoutMs: startTimeoutMs,
    })
    const store = closer.push(service)
    const { runDir, hosts } = config.hsm
    const hsm = closer.push(connectHsm({ runDir, hosts, sharing: await sharingOf(config.hsm) }))
    await hsm.ready(op)
    await prepare?.(config.dataDir, hsm, op)
    const ports: Ports = {
      store,
      hsm,
      journalFiles: await openJournalDirectory(journalDirectory(config.dataDir)),
      storeSecret: await openStoreSecret(config.dataDir, hsm, op),
      log,
      now: () => new Date(),
      node: config.node,
    }
    return await use(ports, closer, op)
  } catch (error) {
    await closer[Symbol.asyncDispose]().catch((cause: unknown) =>
      log.error('closing after a failed start failed', { cause: String(cause) }),
    )
    throw WarderError.is(error, 'plugin-failed') && WarderError.is(error.cause) ? error.cause : error
  }
}

export const journalDirectory = (dataDir: string): string => join(dataDir, 'journal')
