import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SupervisorConfig } from '../../../daemon/src/hsm/config.ts'
import { type HostStatus, readStatus } from '../../../daemon/src/hsm/status.ts'
import { until } from '../../support/until.ts'

const main = fileURLToPath(new URL('./supervisor-main.ts', import.meta.url))

/** A supervisor in a process of its own, as in production. */
export class SupervisorProcess {
  readonly #config: SupervisorConfig
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  private constructor(config: SupervisorConfig, within: readonly string[]) {
    const node = [...process.execArgv, main, JSON.stringify(config)]
    const [command = process.execPath, ...rest] = within
    this.#config = config
    this.#child = spawn(command, within.length === 0 ? node : [...rest, process.execPath, ...node], {
      // it ends with whoever holds the other end of its input
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    this.#ended = once(this.#child, 'exit')
  }

  /** Resolves when all hosts are ready. `within` is a command that ends by executing what follows it. */
  static async start(config: SupervisorConfig, within: readonly string[] = []): Promise<SupervisorProcess> {
    const started = new SupervisorProcess(config, within)
    await until('all hosts ready', async () => {
      if (started.#child.exitCode !== null) throw new Error('the supervisor ended')
      const hosts = await started.hosts()
      return hosts.length === config.hosts && hosts.every(({ state }) => state === 'ready')
    })
    return started
  }

  /** As the status file tells. */
  async hosts(): Promise<readonly HostStatus[]> {
    return (await readStatus(this.#config.runDir))?.hosts ?? []
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }
}
