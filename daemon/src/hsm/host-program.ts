import { WarderError, type KeyProvider, type Log, type PluginHost } from '@warder/contract'
import {
  heartbeatMs,
  retireMs,
  retireOrder,
  startOrder,
  type HostReport,
  type StartOrder,
  type Wear,
} from './control.ts'
import { whereOf } from './where-of.ts'
import { watchHealth } from './health-watch.ts'
import { serveProvider, type HsmHost } from './host.ts'
import { takeOver } from './operator-secret.ts'
import { PluginSecrets } from './plugin-secrets.ts'
import { toWire } from './protocol.ts'
import { hostSocketPath, requireRunDirectory, socketMode } from './run-directory.ts'

/** How long a host that has lost its token has, to answer what it was asked and to close. */
const giveUpMs = 8000

/** Loads the one HSM plugin a host is for and opens it. Rejects with a WarderError that says what to mend. */
export type OpenProvider = (plugin: StartOrder['start']['plugin'], host: PluginHost) => Promise<KeyProvider>

/**
 * The whole life of an HSM host process: takes one start order from its supervisor, opens the token, serves, and ends
 * - with 0 on SIGTERM, or when it is retired, after calls in flight (bounded) and after the provider is closed;
 * - with 1 when it could not open the token, having said why, or when it has lost the token for good: a new host begins anew;
 * - at once when the supervisor is gone, or on an error nobody foresaw: it keeps nothing that is worth saving.
 */
export function runHost(openProvider: OpenProvider, log: Log): void {
  if (process.send === undefined) throw new TypeError('An HSM host is started by its supervisor')
  let provider: KeyProvider | undefined
  let host: HsmHost | undefined
  let stopping = false
  let unwatch: () => void = () => {}

  const report = (message: HostReport, sent: () => void = () => {}) => {
    if (process.connected) process.send?.(message, undefined, undefined, sent)
  }
  const stop = async (code: number, drainMs?: number) => {
    if (stopping) return
    stopping = true
    // a module that is just being opened has calls in flight, and nothing to drain
    if (provider === undefined) return vanish()
    unwatch()
    await host?.close(drainMs)
    await provider[Symbol.asyncDispose]()
    process.exit(code)
  }
  const giveUp = (detail: string) => {
    log.error('The HSM host has lost its token and ends, to be replaced', { detail })
    // a module that has lost its token may also fail to let go of it
    setTimeout(vanish, giveUpMs)
    void stop(1).catch(die)
  }
  const die = (error: unknown) => {
    log.error('The HSM host ends on an unforeseen error', whereOf(error))
    vanish()
  }
  const start = async ({ index, runDir, sharing, plugin, secret }: StartOrder['start']) => {
    const secrets = new PluginSecrets([plugin.config, ...(plugin.peers ?? [])], secret ? await takeOver() : undefined)
    try {
      await requireRunDirectory(runDir, 'hosts', sharing)
      provider = await openProvider(plugin, {
        log,
        now: () => new Date(),
        secret: reference => secrets.read(reference),
      })
      host = await serveProvider(provider, {
        socketPath: hostSocketPath(runDir, index),
        mode: socketMode(sharing),
        log,
      })
    } catch (error) {
      const failed = toWire(error)
      // the supervisor logs what is reported; here belongs what must not cross, or has no code
      const origin = WarderError.is(error) ? error.cause : error
      if (origin !== undefined)
        log.error('The HSM host could not start', { index, code: failed.code, ...whereOf(origin) })
      report({ failed }, () => process.exit(1))
      return
    } finally {
      secrets.erase()
    }
    report({ ready: true })
    unwatch = watchHealth(provider, giveUp)
    setInterval(() => report({ beat: wearOf(provider, host) }), heartbeatMs)
  }

  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
  process.on('disconnect', vanish)
  process.on('SIGTERM', () => void stop(0).catch(die))
  // a terminal's interrupt goes to the whole process group; the supervisor decides what it means
  process.on('SIGINT', () => {})
  process.once('message', message => {
    const order = startOrder.safeParse(message)
    if (!order.success) process.exit(64)
    void start(order.data.start).catch(die)
    process.on('message', next => {
      if (retireOrder.safeParse(next).success) void stop(0, retireMs).catch(die)
    })
  })
}

function wearOf(provider: KeyProvider | undefined, host: HsmHost | undefined): Wear {
  // each key that was not in the cache is an unwrap, which no command tells of
  const calls = (host?.worn ?? 0) + (provider?.figures?.().cache.misses ?? 0)
  return { calls, rssMiB: process.memoryUsage.rss() / 2 ** 20 }
}

/** Not an exit: that would run the module's destructors beside its calls in flight, and crash with the PIN in the core. */
function vanish(): void {
  process.kill(process.pid, 'SIGKILL')
}
