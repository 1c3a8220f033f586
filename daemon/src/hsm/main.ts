import type { Log } from '@warder/contract'
import type { ServiceManager } from '../systemd/service-manager.ts'
import { startWatchdog } from '../systemd/watchdog.ts'
import { parseSupervisorConfig } from './config.ts'
import { serveControl } from './control-server.ts'
import type { SupervisorStatus } from './status.ts'
import { startSupervisor } from './supervisor.ts'

export interface RunOptions {
  readonly log: Log
  /** End when stdin ends, for a parent that holds its other end: then no supervisor outlives it. */
  readonly exitWithParent?: boolean
  /** Told when every host was tried once, and when this ends. */
  readonly manager?: ServiceManager
}

/**
 * The program `warder-hsm`: supervises the HSM hosts until SIGTERM or SIGINT, or until stdin ends when asked to. Resolves
 * when every host is gone. `config` is the parsed `hsm` table of the configuration.
 *
 * @throws WarderError `config-invalid` naming the field, before anything is started.
 */
export async function runSupervisor(
  config: unknown,
  { log, exitWithParent = false, manager }: RunOptions,
): Promise<void> {
  const parsed = parseSupervisorConfig(config)
  const told = new Promise<string>(resolve => {
    process.once('SIGTERM', () => resolve('SIGTERM'))
    process.once('SIGINT', () => resolve('SIGINT'))
    if (exitWithParent) {
      process.stdin.once('end', () => resolve('the parent has gone'))
      process.stdin.once('close', () => resolve('the parent has gone'))
      process.stdin.once('error', () => resolve('the parent has gone'))
      process.stdin.resume()
    }
  })
  const supervisor = await startSupervisor(parsed, log)
  const tell = (...states: readonly string[]): void =>
    void manager?.notify(...states, `STATUS=${summary(supervisor.status)}`)
  const control = await serveControl(supervisor, { runDir: parsed.runDir, log, onOrder: () => tell() }).catch(
    async (error: unknown) => {
      await supervisor[Symbol.asyncDispose]()
      throw error
    },
  )
  const watchdog = manager && startWatchdog(manager, () => Promise.resolve({}), log)
  // a token that refuses the PIN is no reason to be started again: this stays, and says what is wrong
  void supervisor.settled.then(() => tell('READY=1'))
  try {
    log.info('HSM supervisor ends', { because: await told })
    await manager?.notify('STOPPING=1')
  } finally {
    watchdog?.[Symbol.dispose]()
    await control[Symbol.asyncDispose]()
    await supervisor[Symbol.asyncDispose]()
  }
}

function summary({ state, hosts }: SupervisorStatus): string {
  const ready = `${hosts.filter(host => host.state === 'ready').length} of ${hosts.length} HSM hosts ready`
  const failure = hosts.find(host => host.error !== undefined)?.error
  const now = state === 'sealed' ? 'sealed: warder unseal' : ready
  return failure === undefined ? now : `${now}: ${failure.message} [${failure.code}]`
}
