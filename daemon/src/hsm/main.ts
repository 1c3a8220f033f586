import type { Log } from '@warder/contract'
import { parseSupervisorConfig } from './config.ts'
import { startSupervisor } from './supervisor.ts'

export interface RunOptions {
  readonly log: Log
  /** End when stdin ends, for a parent that holds its other end: then no supervisor outlives it. */
  readonly exitWithParent?: boolean
}

/**
 * The program `warder-hsm`: supervises the HSM hosts until SIGTERM or SIGINT, or until stdin ends when asked to. Resolves
 * when every host is gone. `config` is the parsed `hsm` table of the configuration.
 *
 * @throws WarderError `config-invalid` naming the field, before anything is started.
 */
export async function runSupervisor(config: unknown, { log, exitWithParent = false }: RunOptions): Promise<void> {
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
  try {
    log.info('HSM supervisor ends', { because: await told })
  } finally {
    await supervisor[Symbol.asyncDispose]()
  }
}
