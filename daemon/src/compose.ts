import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, type Op, type PluginHost, WarderError } from '@warder/contract'
import { createEngine, initialise, type Initialised, type Ports } from '@warder/core'
import { Closer } from './closer.ts'
import type { Config } from './config/schema.ts'
import { connectHsm } from './hsm/client.ts'
import { createApp } from './http/app.ts'
import { listen } from './http/listener.ts'
import { openJournalDirectory } from './journal/journal-directory.ts'
import { loadPlugin } from './plugins/load.ts'
import { createStoreSecretIfAbsent, openStoreSecret } from './store-secret.ts'

export interface Appliance extends AsyncDisposable {
  /** Where it serves, such as `https://127.0.0.1:8443`. */
  readonly url: string
}

/** How long the HSM hosts may take to come up, and each plugin to open. */
const startTimeoutMs = 60_000

/**
 * The composition root: opens every part of the appliance in order and serves. When it rejects, nothing is left open. The
 * HSM hosts are not part of it: `warder-hsm` runs them, and this process only talks to them.
 */
export async function compose(config: Config, log: Log): Promise<Appliance> {
  return withPorts(config, log, async (ports, closer, op) => {
    const engine = closer.push(await createEngine(ports, op))
    const listener = closer.push(
      await listen({
        ...config.listen,
        certificatePem: await readFile(config.tls.certificate, 'utf8'),
        privateKeyPem: await readFile(config.tls.key, 'utf8'),
        handle: createApp({ engine: () => engine, whyNot: () => 'The appliance is starting.', log }),
      }),
    )
    const url = `https://${config.listen.host}:${listener.address.port}`
    log.info('serving', { url })
    return { url, [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose]() }
  })
}

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
    const storage = { specifier: config.storage.plugin, config: config.storage.config }
    const { service } = await loadPlugin('storage', storage, {
      allow: config.plugins.allow,
      host,
      openTimeoutMs: startTimeoutMs,
    })
    const store = closer.push(service)
    const hsm = closer.push(connectHsm({ runDir: config.hsm.runDir, hosts: config.hsm.hosts }))
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
