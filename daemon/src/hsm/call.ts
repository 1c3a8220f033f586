import { WarderError } from '@warder/contract'
import type { CommandName } from './commands.ts'
import type { Need, TokenSet } from './known-tokens.ts'

export type Outcome = { readonly ok: unknown } | { readonly error: Error }

/** Whether the HSM may have done something of a call that has failed. */
export type Done = 'not-started' | 'unknown'

/** Where a call is: in a queue, or with a host. */
export interface Holder {
  /** Nobody waits for the call any more. */
  abandon(call: HsmCall): Done
}

export interface Answered {
  readonly op: string
  readonly host: number
  /** Time inside the host, and from when the call was sent until the answer was here. */
  readonly hsmMicros: number
  readonly micros: number
  /** Before it was sent: in a queue, for its turn. */
  readonly waitedMicros: number
}

export interface CallRequest {
  readonly op: CommandName
  readonly args: object
  /** Of the sealed key it uses, for the host that has it unwrapped; or what else picks a host among equals. */
  readonly blob: Uint8Array | undefined
  /** Where there are several tokens: which of them can do it. */
  readonly need?: Need | undefined
  readonly tenant: string
  readonly cost: number
  /** Makes or removes keys. */
  readonly changesKeys: boolean
  /** Of those, what changes the objects on the token: see {@link changesToken}. */
  readonly changesToken: boolean
  /** For one host and no other. */
  readonly pinned: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Told of the host's answer, before the caller is. */
  readonly onAnswer?: ((answered: Answered) => void) | undefined
}

/** One call, from when it was asked for to its outcome, wherever it is meanwhile. Settles once; what comes later changes nothing. */
export class HsmCall {
  readonly op: CommandName
  readonly args: object
  readonly blob: Uint8Array | undefined
  readonly need: Need | undefined
  readonly tenant: string
  readonly cost: number
  readonly changesKeys: boolean
  readonly changesToken: boolean
  /** Its lane in the queue: the tokens that can do it, as far as is known, and whether any of their hosts can. */
  lane: TokenSet = 1
  readonly pinned: boolean
  readonly onAnswer: CallRequest['onAnswer']
  /** `performance.now()` when it was asked for. */
  readonly askedAt = performance.now()
  /** `performance.now()` when a host was given it. */
  sentAt = 0
  /** With which of the channel's writes it leaves for that host: it has left when there were more. */
  write = 0
  /** Its name with the host that has it. */
  id = 0
  holder: Holder | undefined
  readonly #timeoutMs: number
  readonly #signal: AbortSignal
  readonly #resolve: (result: unknown) => void
  readonly #reject: (error: Error) => void
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = () => this.#giveUp(cancelled)
  #settled = false

  constructor(request: CallRequest, resolve: (result: unknown) => void, reject: (error: Error) => void) {
    this.op = request.op
    this.args = request.args
    this.blob = request.blob
    this.need = request.need
    this.tenant = request.tenant
    this.cost = request.cost
    this.changesKeys = request.changesKeys
    this.changesToken = request.changesToken
    this.pinned = request.pinned
    this.onAnswer = request.onAnswer
    this.#timeoutMs = request.timeoutMs
    this.#signal = request.signal
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(() => this.#giveUp(done => timedOut(this.#timeoutMs, done)), request.timeoutMs)
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Milliseconds left of its time, at least one. */
  timeLeft(now: number): number {
    return Math.max(1, Math.round(this.#timeoutMs - (now - this.askedAt)))
  }

  settle(outcome: Outcome): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#onAbort)
    if ('error' in outcome) this.#reject(outcome.error)
    else this.#resolve(outcome.ok)
  }

  #giveUp(errorOf: (done: Done) => WarderError): void {
    if (this.#settled) return
    this.settle({ error: errorOf(this.holder?.abandon(this) ?? 'not-started') })
  }
}

export function cancelled(outcome: Done): WarderError {
  return new WarderError('cancelled', 'The call to the HSM was cancelled', { facts: { outcome } })
}

function timedOut(timeoutMs: number, outcome: Done): WarderError {
  return new WarderError('hsm-timeout', 'The HSM did not answer in time', { facts: { outcome, timeoutMs } })
}
