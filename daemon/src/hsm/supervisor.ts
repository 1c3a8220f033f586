import type { Log } from '@warder/contract'
import { backoffMs } from './backoff.ts'
import type { SupervisorConfig } from './config.ts'
import { HostProcess } from './host-process.ts'
import { hostSocketPath, requireRunDirectory, statusMode } from './run-directory.ts'
import { writeStatus, type HostFailure, type HostStatus, type SupervisorStatus } from './status.ts'
import { lockRunDirectory } from './supervisor-lock.ts'

/** What only an operator can mend. Trying again could at best fail alike, and at worst lock the token's PIN. */
const finalCodes: ReadonlySet<string> = new Set(['pin-refused', 'not-initialised', 'config-invalid'])
/** A plugin that cannot be loaded at all stays so; one that could not open its token just now may yet. */
const passingFaults: ReadonlySet<unknown> = new Set(['open-failed', 'open-timed-out'])

function isFinal({ code, facts }: HostFailure): boolean {
  return finalCodes.has(code) || (code === 'plugin-failed' && !passingFaults.has(facts['fault']))
}

const firstBackoffMs = 100
const mostBackoffMs = 5000
/** A host that was ready for this long has earned a quick restart. */
const healthyMs = 10_000
const startMs = 60_000
const closeMs = 8000

export interface Supervisor extends AsyncDisposable {
  readonly status: SupervisorStatus
  /** Resolves when every host has been tried once: each is ready, waiting to be tried again, or refused. */
  readonly settled: Promise<void>
  /** After a refusal was mended: starts what is not running, once more. Never called by a timer. */
  retry(): void
}

interface Slot {
  readonly index: number
  state: HostStatus['state']
  process: HostProcess | undefined
  error: HostFailure | undefined
  failures: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Starts the hosts one after another, watches them, and starts dead ones again after 100 ms, doubling to 5 s. At most one
 * host is opening the token at any time: simultaneous initialise and login fail on real modules.
 *
 * Every change is in `hsm-status.json` before the next host is started. Closing ends every host, by its own pid, and then
 * releases the run directory.
 *
 * @throws WarderError `config-invalid` when the run directory is not as it must be, or another supervisor runs there.
 */
export async function startSupervisor(config: SupervisorConfig, log: Log): Promise<Supervisor> {
  await requireRunDirectory(config.runDir, 'hosts', config.sharing)
  const release = await lockRunDirectory(config.runDir)
  return new HostSupervisor(config, log, release)
}

class HostSupervisor implements Supervisor {
  readonly #config: SupervisorConfig
  readonly #log: Log
  readonly #release: () => Promise<void>
  readonly #slots: readonly Slot[]
  readonly settled: Promise<void>
  #state: SupervisorStatus['state'] = 'starting'
  #starts: Promise<void> = Promise.resolve()
  #writes: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(config: SupervisorConfig, log: Log, release: () => Promise<void>) {
    this.#config = config
    this.#log = log
    this.#release = release
    this.#slots = Array.from({ length: config.hosts }, (_, index) => ({
      index,
      state: 'starting',
      process: undefined,
      error: undefined,
      failures: 0,
      timer: undefined,
    }))
    for (const slot of this.#slots) this.#enqueue(slot)
    this.settled = this.#starts
  }

  get status(): SupervisorStatus {
    return {
      state: this.#state,
      hosts: this.#slots.map(slot => ({
        index: slot.index,
        pid: slot.process?.pid ?? null,
        state: slot.state,
        socket: hostSocketPath(this.#config.runDir, slot.index),
        ...(slot.error && { error: slot.error }),
      })),
    }
  }

  retry(): void {
    if (this.#state !== 'refused') return
    this.#state = this.#slots.some(slot => slot.state === 'ready') ? 'serving' : 'starting'
    for (const slot of this.#slots) {
      if (slot.process !== undefined) continue
      clearTimeout(slot.timer)
      slot.failures = 0
      this.#enqueue(slot)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #enqueue(slot: Slot): void {
    slot.state = 'starting'
    this.#starts = this.#starts.then(() => this.#start(slot))
  }

  async #start(slot: Slot): Promise<void> {
    if (this.#closed !== undefined || slot.process !== undefined) return
    if (this.#state === 'refused') {
      slot.state = 'waiting'
      return this.#publish()
    }
    const { runDir, sharing, plugin, watchdogMs } = this.#config
    const host = new HostProcess({ order: { index: slot.index, runDir, sharing, plugin }, watchdogMs, startMs })
    slot.process = host
    slot.state = 'starting'
    await this.#publish()
    const outcome = await host.started
    if (outcome.ready) this.#becameReady(slot, host)
    else await this.#didNotStart(slot, host, outcome.failure)
    await this.#publish()
  }

  #becameReady(slot: Slot, host: HostProcess): void {
    const readyAt = performance.now()
    slot.state = 'ready'
    slot.error = undefined
    if (this.#state === 'starting') this.#state = 'serving'
    this.#log.info('HSM host is ready', { host: slot.index, pid: host.pid })
    void this.#awaitDeath(slot, host, readyAt)
  }

  async #awaitDeath(slot: Slot, host: HostProcess, readyAt: number): Promise<void> {
    await host.exited
    slot.process = undefined
    if (this.#closed !== undefined) return
    this.#log.warn('HSM host died', { host: slot.index, pid: host.pid })
    if (performance.now() - readyAt >= healthyMs) slot.failures = 0
    this.#restartLater(slot)
    await this.#publish()
  }

  async #didNotStart(slot: Slot, host: HostProcess, failure: HostFailure | undefined): Promise<void> {
    if (failure !== undefined) slot.error = failure
    const fields = { host: slot.index, code: failure?.code }
    if (failure !== undefined && isFinal(failure)) {
      slot.state = 'failed'
      this.#state = 'refused'
      this.#log.error('HSM host refused to start; no host is started again until this is mended', fields)
    } else {
      this.#log.warn('HSM host did not start', fields)
    }
    // two of one index must never overlap; one that has said why and does not end is of no more use
    await host.stop(closeMs)
    slot.process = undefined
    if (this.#closed === undefined && slot.state !== 'failed') this.#restartLater(slot)
  }

  #restartLater(slot: Slot): void {
    slot.state = 'waiting'
    if (this.#state === 'refused') return
    const delay = backoffMs(slot.failures++, firstBackoffMs, mostBackoffMs)
    slot.timer = setTimeout(() => this.#enqueue(slot), delay)
  }

  /** In the order of the changes; a file that cannot be written is logged, as serving matters more. */
  #publish(): Promise<void> {
    this.#writes = this.#writes
      .then(() => writeStatus(this.#config.runDir, this.status, statusMode(this.#config.sharing)))
      .catch((error: unknown) => {
        this.#log.error('hsm-status.json cannot be written', { code: (error as NodeJS.ErrnoException).code })
      })
    return this.#writes
  }

  async #close(): Promise<void> {
    for (const slot of this.#slots) clearTimeout(slot.timer)
    await Promise.all(this.#slots.map(async slot => slot.process?.stop(closeMs)))
    await this.#starts
    for (const slot of this.#slots) slot.state = 'stopped'
    this.#state = 'stopped'
    await this.#publish()
    await this.#release()
  }
}
