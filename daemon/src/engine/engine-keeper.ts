import { type Health, type Log, type Op, WarderError } from '@warder/contract'
import type { Engine } from '@warder/core'
import { backoffMs } from '../hsm/backoff.ts'
import { readStatus, type SupervisorStatus } from '../hsm/status.ts'
import { explain } from '../hsm/unavailable.ts'
import { errorFields } from '../log/error-fields.ts'
import { type LentEngine, lendEngine } from './lent-engine.ts'

const lookEveryMs = 200
const firstRetryMs = 1000
const mostRetryMs = 30_000

export interface KeeperOptions {
  /** The supervisor's run directory, whose status file tells whether the HSM side is sealed. */
  readonly runDir: string
  readonly log: Log
  /** Opens an engine, with what has to run beside it. Each engine is closed before the next is opened. */
  open(op: Op): Promise<OpenedEngine>
  /** Told after each change: whether there is an engine, and if not, why, in one line. */
  readonly onChange?: (whyNot: string | undefined) => void
}

export interface OpenedEngine extends AsyncDisposable {
  readonly engine: Engine
  /** Ends what runs by itself, before the last calls are waited for. */
  endBackground(): Promise<void>
}

interface Kept {
  readonly opened: OpenedEngine
  readonly lent: LentEngine
}

/**
 * Has an engine while the HSM side is unsealed. When that is sealed the engine is taken back, its last record says so in
 * the journal, and it is closed, which erases the store keys; when it is unsealed another one is opened, which reads the
 * journal again. Sealing is noticed within 200 ms, also when it was over by then.
 */
export class EngineKeeper implements AsyncDisposable {
  readonly #options: KeeperOptions
  readonly #closing = new AbortController()
  #kept: Kept | undefined
  #whyNot = 'The appliance is starting.'
  /** The supervisor's count of seals when the engine was opened. */
  #seals = 0
  /** A seal was seen, and the unseal after it has yet to be journaled. */
  #wasSealed = false
  #failures = 0
  #retryAt = 0
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  private constructor(options: KeeperOptions) {
    this.#options = options
  }

  /**
   * Resolves when there is an engine, or when it is clear that the HSM side is sealed.
   * @throws WarderError when it cannot be opened for any other reason; `cancelled` when `op` is.
   */
  static async start(options: KeeperOptions, op: Op): Promise<EngineKeeper> {
    const keeper = new EngineKeeper(options)
    const status = await readStatus(options.runDir)
    keeper.#seals = status?.seals ?? 0
    try {
      await keeper.#open(op)
    } catch (error) {
      if (!WarderError.is(error, 'sealed')) throw error
      keeper.#sealed(status)
    }
    keeper.#lookLater()
    return keeper
  }

  get engine(): Engine | undefined {
    return this.#kept?.lent.engine
  }

  /** One line: why there is no engine. */
  get whyNot(): string {
    return this.#whyNot
  }

  /** Health of each part, by name. Never rejects. */
  async health(op: Op): Promise<Readonly<Record<string, Health>>> {
    const { engine } = this
    return engine === undefined ? { engine: { ok: false, detail: this.#whyNot } } : engine.health(op).catch(beingSealed)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new WarderError('cancelled', 'The appliance is closing.'))
    clearTimeout(this.#timer)
    await this.#looking
    const kept = this.#kept
    this.#kept = undefined
    await kept?.opened.endBackground()
    await kept?.opened[Symbol.asyncDispose]()
  }

  #lookLater(): void {
    if (this.#closing.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch((error: unknown) => this.#options.log.error('sealing cannot be followed', errorFields(error)))
        .finally(() => this.#lookLater())
    }, lookEveryMs)
  }

  async #look(): Promise<void> {
    const status = await readStatus(this.#options.runDir)
    if (status === undefined) return
    const sealed = status.state === 'sealed'
    if (sealed || status.seals > this.#seals) {
      if (this.#kept !== undefined) await this.#close(this.#kept, status)
      else if (sealed) this.#sealed(status)
    }
    this.#seals = status.seals
    if (sealed || this.#kept !== undefined || !status.hosts.some(host => host.state === 'ready')) return
    if (performance.now() >= this.#retryAt) await this.#openAgain()
  }

  async #openAgain(): Promise<void> {
    try {
      await this.#open({ signal: this.#closing.signal })
      this.#failures = 0
    } catch (error) {
      // the next look sees a seal; a closing appliance needs no engine
      if (WarderError.is(error, 'sealed') || this.#closing.signal.aborted) return
      this.#retryAt = performance.now() + backoffMs(this.#failures++, firstRetryMs, mostRetryMs)
      const { code = 'internal' } = WarderError.is(error) ? error : {}
      this.#options.log.error('the appliance cannot be opened; it is tried again', errorFields(error))
      this.#changed(`The appliance cannot be opened (${code}).`)
    }
  }

  async #open(op: Op): Promise<void> {
    const opened = await this.#options.open(op)
    if (this.#wasSealed) await this.#record(opened, 'unseal')
    this.#wasSealed = false
    this.#kept = { opened, lent: lendEngine(opened.engine) }
    this.#changed(undefined)
  }

  async #close({ opened, lent }: Kept, status: SupervisorStatus): Promise<void> {
    this.#kept = undefined
    this.#sealed(status)
    await opened.endBackground()
    await lent.takeBack()
    await this.#record(opened, 'seal')
    await opened[Symbol.asyncDispose]()
  }

  #sealed(status: SupervisorStatus | undefined): void {
    this.#wasSealed = true
    this.#failures = 0
    this.#retryAt = 0
    const { detail } = explain(status)
    const whyNot = `The appliance is ${detail.startsWith('sealed') ? detail : 'sealed'}.`
    if (whyNot !== this.#whyNot) this.#changed(whyNot)
  }

  /** A journal that fails keeps nobody from sealing. */
  async #record({ engine }: OpenedEngine, what: 'seal' | 'unseal'): Promise<void> {
    await engine
      .recordHsm(what)
      .catch((error: unknown) => this.#options.log.error(`hsm:${what} could not be journaled`, errorFields(error)))
  }

  #changed(whyNot: string | undefined): void {
    this.#whyNot = whyNot ?? 'The appliance is closing.'
    this.#options.log.info(whyNot ?? 'the appliance is open')
    this.#options.onChange?.(whyNot)
  }
}

function beingSealed(): Readonly<Record<string, Health>> {
  return { engine: { ok: false, detail: 'The appliance is being sealed.' } }
}
