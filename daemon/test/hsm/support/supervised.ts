import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SupervisorConfig } from '../../../src/hsm/config.ts'
import { readStatus, type HostStatus } from '../../../src/hsm/status.ts'
import { until } from './until.ts'

export interface Supervised {
  /** As the status file tells. */
  hosts(): Promise<readonly HostStatus[]>
  stop(): Promise<void>
}

/**
 * Runs a supervisor in a process of its own, as in production: to start a process blocks the one that does it until the
 * new one runs, which must not be counted as a delay of the process that uses the HSM.
 */
export async function startSupervised(config: SupervisorConfig): Promise<Supervised> {
  const main = fileURLToPath(new URL('./supervisor-main.ts', import.meta.url))
  const program = spawn(process.execPath, [...process.execArgv, main, JSON.stringify(config)], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const ended = new Promise<void>(resolve => program.once('exit', () => resolve()))
  const hosts = async () => (await readStatus(config.runDir))?.hosts ?? []
  await until('all hosts ready', async () => {
    const now = await hosts()
    return now.length === config.hosts && now.every(host => host.state === 'ready')
  })
  return {
    hosts,
    stop: async () => {
      program.kill('SIGTERM')
      await ended
    },
  }
}
