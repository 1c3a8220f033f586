import { type Log, WarderError } from '@warder/contract'
import { operatorSecretsIn } from '../config/references.ts'
import { backoffMs } from './backoff.ts'
import type { SupervisorConfig } from './config.ts'
import { asError, isFinal } from './host-failure.ts'
import { HostProcess } from './host-process.ts'
import { copyOf } from './operator-secret.ts'
import { requireRunDirectory, statusMode } from './run-directory.ts'
import { pluginsOf, type Slot, slotsOf, statusOf, type Token, tokensOf, wornOf } from './slots.ts'
import { StartTurns } from './start-turns.ts'
import { writeStatus, type HostFailure, type SupervisorStatus } from './status.ts'
import { lockRunDirectory } from './supervisor-lock.ts'

const firstBackoffMs = 100
const mostBackoffMs = 5000
/** A host that was ready for this long has earned a quick restart. */
const healthyMs = 10_000
const startMs = 60_000
/** How often it is looked whether a host is to be replaced. */
const careMs = 250
const closeMs = 8000
/** From the order to seal to the death of what has not ended by itself: calls in flight get this long. */
const sealMs = 800

/** Who has the PIN: the operator alone, or a file or credential that the configuration names. */
export type PinSource = 'operator' | 'configured'

export interface Supervisor extends AsyncDisposable {
  readonly status: SupervisorStatus
  readonly pinSource: PinSource
  /** Resolves when every host has been tried once: each is ready, waiting to be tried again, or refused. */
  readonly settled: Promise<void>
  /**
   * Ends every host and forgets the operator's PIN. Calls in flight are answered if they end within 800 ms; a host that has
   * not ended by then is killed. Resolves when none is left. Holds until {@link unseal}, or until this process is started
   * anew where the PIN is configured.
   */
  seal(): Promise<void>
  /**
   * Starts what is not running, once: after a seal, or after a refusal was mended. Never called by a timer. Resolves to
   * false when there was nothing to do, and then `pin` was not tried. `pin` is copied, and goes where the PIN source is the
   * operator and only there. It is kept until the next seal or refusal, for hosts that are started again.
   *
   * @throws WarderError `malformed-request` when there is a PIN too much or too few, `wrong-state` when another unseal is
   *   under way, `sealed` when sealed again meanwhile; what a host refused with, such as `pin-refused`, when none is ready, or
   *   none of a token that had been refused before.
   */
  unseal(pin?: Uint8Array): Promise<boolean>
}

/**
 * Starts the hosts one after another, watches them, and starts dead ones again after 100 ms, doubling to 5 s. At most one
 * host is opening a token at any time: simultaneous initialise and login fail on real modules, and a wrong PIN is
 * presented by the first and no other. Where the operator has the PIN it begins sealed and starts nothing.
 *
 * Of several tokens each has hosts of its own. One whose host was refused for good has none started any more, while the
 * others go on; only when all are refused the supervisor is. An operator's PIN is one for all tokens: refused by one, it is
 * tried with no other, unless that has taken it before.
 *
 * A host that has served long enough (`recycleCalls`, `recycleRssMiB`) is replaced: it answers what it began, ends, and
 * another takes its place; one at a time, while all others serve.
 *
 * Every change is in `hsm-status.json` before the next host is started. Closing ends every host, by its own pid, and then
 * releases the run directory.
 *
 * @throws WarderError `config-invalid` when the run directory is not as it must be, or another supervisor runs there, or
 *   more than one secret is the operator's.
 */
export async function startSupervisor(config: SupervisorConfig, log: Log): Promise<Supervisor> {
  if (pluginsOf(config.plugin).some(({ config: own }) => operatorSecretsIn(own).length > 1)) {
    throw new WarderError('config-invalid', 'Only one secret of the HSM plugin can be with the operator', {
      facts: { field: 'plugin.config' },
    })
  }
  await requireRunDirectory(config.runDir, 'hosts', config.sharing)
  const release = await lockRunDirectory(config.runDir)
  return new HostSupervisor(config, log, release)
}

class HostSupervisor implements Supervisor {
  readonly #config: SupervisorConfig
  readonly #log: Log
  readonly #release: () => Promise<void>
  readonly #tokens: readonly Token[]
  readonly #slots: readonly Slot[]
  readonly pinSource: PinSource
  readonly settled: Promise<void>
  #state: SupervisorStatus['state'] = 'starting'
  #seals = 0
  #pin: Uint8Array | undefined
  #unsealing = false
  #sealing: Promise<void> | undefined
  readonly #turns: StartTurns
  #writes: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined
  readonly #care: NodeJS.Timeout

  constructor(config: SupervisorConfig, log: Log, release: () => Promise<void>) {
    this.#config = config
    this.#log = log
    this.#release = release
    this.pinSource = operatorSecretsIn(config.plugin.config).length > 0 ? 'operator' : 'configured'
    this.#tokens = tokensOf(config.plugin)
    this.#slots = slotsOf(this.#tokens, config.hosts)
    this.#turns = new StartTurns(this.#tokens.length)
    this.#care = setInterval(() => this.#recycleOne(), careMs)
    if (this.pinSource === 'operator') {
      this.#becomeSealed()
      this.settled = this.#publish()
    } else {
      for (const slot of this.#slots) this.#enqueue(slot)
      this.settled = this.#turns.ended()
    }
  }

  get status(): SupervisorStatus {
    return {
      state: this.#state,
      seals: this.#seals,
      hosts: this.#slots.map(slot => statusOf(slot, this.#config.runDir, this.#tokens.length > 1)),
    }
  }

  seal(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed
    this.#sealing ??= this.#seal().finally(() => (this.#sealing = undefined))
    return this.#sealing
  }

  async unseal(pin?: Uint8Array): Promise<boolean> {
    if (this.#closed !== undefined) throw new WarderError('hsm-unavailable', 'warder-hsm is stopping')
    if (this.#unsealing) throw new WarderError('wrong-state', 'Another unseal is under way')
    if (this.pinSource === 'configured' && pin !== undefined)
      throw new WarderError('malformed-request', 'The PIN comes from where the configuration says: give none')
    const refused = this.#tokens.some(token => token.refused)
    if (!refused && (this.#state === 'starting' || this.#state === 'serving')) return false
    if (this.pinSource === 'operator' && pin === undefined)
      throw new WarderError('malformed-request', 'The PIN is needed: the configuration names no place for it')
    this.#unsealing = true
    try {
      await this.#unseal(pin && copyOf(pin))
      return true
    } finally {
      this.#unsealing = false
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #seal(): Promise<void> {
    if (this.#state !== 'sealed') {
      this.#becomeSealed()
      for (const slot of this.#slots) slot.error = undefined
      this.#log.warn('sealed: the HSM hosts end, and none is started until an operator unseals')
    }
    for (const slot of this.#slots) clearTimeout(slot.timer)
    // nothing that could fail or wait comes before this
    const stopped = Promise.all(this.#slots.map(async slot => slot.process?.stop(sealMs)))
    await this.#publish()
    await stopped
    await this.#turns.ended()
    await this.#publish()
  }

  async #unseal(pin: Uint8Array | undefined): Promise<void> {
    await this.#sealing
    // one that tokens have taken is kept until this one is known to be no worse
    const before = this.#anyReady() ? this.#pin : undefined
    if (before === undefined) this.#forgetPin()
    this.#pin = pin
    this.#state = this.#anyReady() ? 'serving' : 'starting'
    const mended = this.#tokens.filter(token => token.refused)
    for (const token of this.#tokens) token.refused = false
    for (const slot of this.#slots) {
      if (slot.process !== undefined) continue
      clearTimeout(slot.timer)
      slot.failures = 0
      slot.error = undefined
      this.#enqueue(slot)
    }
    await this.#turns.ended()
    const still = mended.filter(token => token.refused && !this.#anyReady(token))
    if (before !== undefined && still.length > 0 && this.#pin === pin) {
      this.#forgetPin()
      this.#pin = before
    } else before?.fill(0)
    const concerned = this.#slots.filter(slot => still.length === 0 || still.includes(slot.token))
    if (this.#anyReady() && still.length === 0) return
    const failure = concerned.find(slot => slot.error !== undefined)?.error
    if (failure !== undefined) throw asError(failure)
    if (this.status.state === 'sealed') throw new WarderError('sealed', 'It was sealed again meanwhile')
    throw new WarderError('hsm-unavailable', 'No HSM host could be started; it is tried again')
  }

  #becomeSealed(): void {
    this.#state = 'sealed'
    this.#seals++
    this.#forgetPin()
    for (const slot of this.#slots) if (slot.process === undefined) slot.state = 'stopped'
  }

  #forgetPin(): void {
    this.#pin?.fill(0)
    this.#pin = undefined
  }

  #anyReady(token?: Token): boolean {
    return this.#slots.some(slot => slot.state === 'ready' && (token === undefined || slot.token === token))
  }

  #enqueue(slot: Slot): void {
    slot.state = slot.recycling ? 'recycling' : 'starting'
    this.#turns.take(slot.token.index, () => this.#start(slot))
  }

  async #start(slot: Slot): Promise<void> {
    if (this.#closed !== undefined || slot.process !== undefined) return
    if (slot.token.refused || this.#state === 'sealed') {
      slot.state = this.#state === 'sealed' ? 'stopped' : 'waiting'
      return this.#publish()
    }
    const { runDir, sharing, watchdogMs } = this.#config
    const order = { index: slot.index, runDir, sharing, plugin: slot.token.plugin }
    const host = new HostProcess({ order, secret: this.#pin, watchdogMs, startMs })
    slot.process = host
    slot.state = slot.recycling ? 'recycling' : 'starting'
    await this.#publish()
    const outcome = await host.started
    slot.recycling = false
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
    if (slot.recycling && this.#state === 'serving') {
      this.#enqueue(slot)
      return
    }
    slot.recycling = false
    if (this.#state !== 'sealed') this.#log.warn('HSM host died', { host: slot.index, pid: host.pid })
    if (performance.now() - readyAt >= healthyMs) slot.failures = 0
    this.#restartLater(slot)
    await this.#publish()
  }

  #recycleOne(): void {
    if (this.#state !== 'serving' || this.#closed !== undefined) return
    const worn = wornOf(this.#slots, this.#config)
    if (worn === undefined) return
    const { slot, host } = worn
    const { calls, grownMiB } = host.wear
    const fields = { host: slot.index, calls, grownMiB: Math.round(grownMiB) }
    this.#log.info('HSM host is replaced: it has served long enough', fields)
    slot.recycling = true
    slot.state = 'recycling'
    // told before it is done: who waits for a host then knows that one is coming
    void this.#publish().then(() => host.retire())
  }

  async #didNotStart(slot: Slot, host: HostProcess, failure: HostFailure | undefined): Promise<void> {
    const fields = { host: slot.index, code: failure?.code }
    // what a host says that was told to end means nothing
    if (this.#state !== 'sealed') {
      if (failure !== undefined) slot.error = failure
      if (failure !== undefined && isFinal(failure)) {
        slot.state = 'failed'
        this.#refused(slot.token, failure.code)
        this.#log.error('HSM host refused to start; no host is started again until this is mended', fields)
      } else {
        this.#log.warn('HSM host did not start', fields)
      }
    }
    // two of one index must never overlap; one that has said why and does not end is of no more use
    await host.stop(closeMs)
    slot.process = undefined
    if (this.#closed === undefined && slot.state !== 'failed') this.#restartLater(slot)
  }

  /**
   * A PIN of the operator's is not kept past the refusal of the last token, nor past one of the PIN that no other token has
   * taken. Without it and without a host this is sealed.
   */
  #refused(token: Token, code: string): void {
    token.refused = true
    const last = this.#tokens.every(each => each.refused)
    const served = this.#anyReady()
    const pinWrong = this.pinSource === 'operator' && code === 'pin-refused' && !served
    if (!last && !pinWrong) return
    if (this.pinSource === 'operator' && !served) return this.#becomeSealed()
    this.#state = 'refused'
    this.#forgetPin()
  }

  #restartLater(slot: Slot): void {
    slot.state = this.#state === 'sealed' ? 'stopped' : 'waiting'
    if (slot.token.refused || this.#state === 'sealed') return
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
    this.#forgetPin()
    clearInterval(this.#care)
    for (const slot of this.#slots) clearTimeout(slot.timer)
    await Promise.all(this.#slots.map(async slot => slot.process?.stop(closeMs)))
    await this.#turns.ended()
    for (const slot of this.#slots) slot.state = 'stopped'
    this.#state = 'stopped'
    await this.#publish()
    await this.#release()
  }
}
