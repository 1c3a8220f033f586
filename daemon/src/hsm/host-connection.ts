import { connect, type Socket } from 'node:net'
import { type Health, type KeyRef, type TokenState, WarderError } from '@warder/contract'
import { Breaker } from './breaker.ts'
import { type Answered, type CallRequest, type Done, type Holder, HsmCall, type Outcome } from './call.ts'
import { CallTable } from './call-table.ts'
import { Channel } from './channel.ts'
import { commands, type CommandName } from './commands.ts'
import { fromWire, isFarewell, isStopping, maxCallsPerConnection, parseAnswers, type Answer } from './protocol.ts'
import { hostSocketPath, requireRunDirectory, type SocketSharing } from './run-directory.ts'
import { RunCollector, type RunForm, wireRun } from './runs.ts'

/** Between probes of a host whose token is gone. */
const probeMs = 250
/** Between tries to connect. One takes a fraction of a millisecond, and at first callers may be waiting. */
const promptRetryMs = 25
const promptRetries = 400
const retryMs = 100
/** Bytes a host may leave unread before it gets no more. */
const maxBacklogBytes = 16 * 1024 * 1024

export interface ConnectionEvents {
  readonly onUp: () => void
  /** `usable` has become false: it is lost, takes no more calls, or has lost its token. */
  readonly onDown: () => void
  /** A place is free. Those that one read brings are told of one after another. */
  readonly onFree: () => void
  /** The host did nothing of it, or never had it. */
  readonly onReturned: (call: HsmCall) => void
  readonly onAnswer?: ((answered: Answered) => void) | undefined
  /** Where there are several tokens: told which this host has, before it is given any call, and again when it has changed. */
  readonly onToken?: ((host: HostConnection, state: TokenState) => void) | undefined
}

/**
 * The caller's end of the channel to one host. Connects by itself, again and again, until closed. Repeats no call: what has
 * not left when the host is lost, and what the host says that it has not begun, is given back.
 */
export class HostConnection implements Holder {
  readonly index: number
  readonly #runDir: string
  readonly #sharing: SocketSharing | undefined
  readonly #events: ConnectionEvents
  readonly #calls = new CallTable<HsmCall>()
  /** Calls of this turn of the event loop, which leave when it ends. */
  readonly #runs = new RunCollector<HsmCall>()
  #channel: Channel | undefined
  readonly #breaker = new Breaker()
  #probe: NodeJS.Timeout | undefined
  #changing = 0
  #stopping = false
  #drained = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** Has said which token it has, where that is asked. */
  #known = false

  constructor(runDir: string, index: number, events: ConnectionEvents, sharing?: SocketSharing) {
    this.index = index
    this.#runDir = runDir
    this.#sharing = sharing
    this.#events = events
    void this.#connect()
  }

  get connected(): boolean {
    return this.#channel !== undefined
  }

  /** Connected to a host that answers, be it that its token is gone. */
  get reachable(): boolean {
    return this.#channel !== undefined && !this.#stopping
  }

  /** May be given calls. */
  get usable(): boolean {
    return this.reachable && this.#known && !this.#breaker.open
  }

  /** Given no calls until a probe finds its token well. */
  get setAside(): boolean {
    return this.reachable && this.#breaker.open
  }

  /** Calls the host has not answered, also those that nobody waits for any more. */
  get load(): number {
    return this.#calls.size
  }

  /** Of the load, what makes or removes keys. */
  get changing(): number {
    return this.#changing
  }

  get full(): boolean {
    return this.load >= maxCallsPerConnection || (this.#channel?.backlog ?? 0) > maxBacklogBytes
  }

  /**
   * Takes a call, which leaves by the end of this turn of the event loop: until then it can be abandoned, and was not
   * started. It ends with `hsm-unavailable` and the fact `outcome: unknown` when it has left and the host is lost before it
   * answers; when the host is lost before it has left, or says that it has not begun it, it is told of as returned; and with
   * `body-too-large` when it fits no frame.
   * @throws WarderError `body-too-large` or `over-capacity`, and the call was not taken.
   */
  send(call: HsmCall): void {
    if (this.#channel === undefined) {
      call.settle({ error: lost('not-started') })
      return
    }
    if (!this.#calls.add(call)) throw overCapacity()
    call.sentAt = performance.now()
    call.write = this.#channel.writes
    try {
      this.#post(this.#channel, call)
    } catch (error) {
      this.#calls.delete(call.id)
      throw error
    }
    call.holder = this
    if (call.changesKeys) this.#changing++
  }

  abandon(call: HsmCall): Done {
    if (this.#runs.delete(call)) {
      this.#calls.delete(call.id)
      this.#events.onFree()
      return 'not-started'
    }
    this.#channel?.send({ id: call.id, cancel: true })
    return 'unknown'
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#probe)
    this.#channel?.destroy()
  }

  #post(channel: Channel, call: HsmCall): void {
    const { id, op, args } = call
    const runs: RunForm<object> | undefined = commands[op].runs
    if (runs === undefined) {
      channel.send({ id, op, deadline: call.timeLeft(call.sentAt), args })
      return
    }
    if (this.#runs.empty) channel.atEndOfTurn(() => this.#sendRuns(channel))
    this.#runs.put(call, op, (args as { readonly ref: KeyRef }).ref, runs.common(args), runs.values(args))
  }

  #sendRuns(channel: Channel): void {
    // those of a connection that is gone were given back with it
    if (channel !== this.#channel) return
    for (const run of this.#runs.take()) {
      try {
        channel.send(wireRun(run))
      } catch (error) {
        for (const [call] of run.calls.values()) {
          this.#calls.delete(call.id)
          call.settle({ error: error as Error })
          this.#events.onFree()
        }
      }
    }
  }

  async #connect(): Promise<void> {
    try {
      await requireRunDirectory(this.#runDir, 'client', this.#sharing)
      const socket = await open(hostSocketPath(this.#runDir, this.index))
      if (this.#closed) socket.destroy()
      else this.#up(socket)
    } catch {
      this.#retryLater()
    }
  }

  #retryLater(): void {
    if (this.#closed) return
    const delay = this.#failures++ < promptRetries ? promptRetryMs : retryMs
    this.#timer = setTimeout(() => void this.#connect(), delay)
  }

  #up(socket: Socket): void {
    const channel = new Channel(
      socket,
      {
        onMessage: message => {
          if (!this.#receive(message)) channel.destroy()
        },
        onClose: () => this.#down(),
      },
      { throttle: false },
    )
    this.#channel = channel
    if (this.#events.onToken === undefined) this.#introduced()
    else void this.#introduce(channel)
  }

  #introduced(): void {
    this.#known = true
    this.#events.onUp()
  }

  async #introduce(channel: Channel): Promise<void> {
    if (await this.askToken()) {
      if (this.#channel === channel && !this.#known) this.#introduced()
    } else channel.destroy()
  }

  /** Has its host say which token it has now. False when it does not. */
  async askToken(): Promise<boolean> {
    const state = await this.#ask('token')
    if (state === undefined) return false
    this.#events.onToken?.(this, state as TokenState)
    return true
  }

  #down(): void {
    const drained = this.#drained
    const calls = this.#calls.take().map(call => ({ call, begun: !drained && this.#hasLeft(call) }))
    this.#runs.take()
    this.#channel = undefined
    this.#changing = 0
    this.#stopping = false
    this.#drained = false
    this.#known = false
    this.#breaker.reset()
    clearTimeout(this.#probe)
    this.#events.onDown()
    for (const { call, begun } of calls) {
      if (begun) call.settle({ error: lost() })
      else this.#return(call)
    }
    this.#retryLater()
  }

  /** False when it holds what is no answer to a call of ours: that host is not to be believed any further. */
  #receive(message: unknown): boolean {
    if (isFarewell(message)) {
      this.#drained = true
      this.#stop()
      return true
    }
    const answers = parseAnswers(message)
    return answers !== undefined && answers.every(answer => this.#answered(answer))
  }

  #answered(answer: Answer): boolean {
    const call = this.#calls.get(answer.id)
    if (call === undefined || !this.#hasLeft(call)) return false
    this.#calls.delete(answer.id)
    if (call.changesKeys) this.#changing--
    // a host that answers is well; one that only lets us connect need not be
    this.#failures = 0
    const outcome = outcomeOf(call.op, answer)
    if ('error' in outcome && isStopping(outcome.error)) {
      this.#stop()
      this.#return(call, outcome.error)
      return true
    }
    const answered: Answered = {
      op: call.op,
      host: this.index,
      hsmMicros: answer.hsmMicros,
      micros: Math.round((performance.now() - call.sentAt) * 1000),
      waitedMicros: Math.round((call.sentAt - call.askedAt) * 1000),
    }
    call.onAnswer?.(answered)
    call.settle(outcome)
    if (this.#breaker.answered('error' in outcome ? outcome.error : undefined)) {
      this.#events.onDown()
      this.#probeLater()
    }
    this.#events.onAnswer?.(answered)
    this.#events.onFree()
    return true
  }

  #hasLeft(call: HsmCall): boolean {
    return this.#channel !== undefined && call.write < this.#channel.writes
  }

  #probeLater(): void {
    this.#probe = setTimeout(() => void this.#tryProbe(), probeMs)
  }

  async #tryProbe(): Promise<void> {
    if (!this.setAside) return
    const channel = this.#channel
    const health = await this.#ask('health')
    // another connection has begun anew
    if (!this.setAside || this.#channel !== channel) return
    if ((health as Health | undefined)?.ok !== true) return this.#probeLater()
    this.#breaker.reset()
    this.#events.onUp()
  }

  /** Out of turn; `undefined` when it fails. */
  #ask(op: 'health' | 'token'): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
      this.send(new HsmCall(question(op), resolve, reject))
    }).catch(() => undefined)
  }

  #stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#events.onDown()
  }

  #return(call: HsmCall, error: Error = lost('not-started')): void {
    if (call.settled) return
    call.holder = undefined
    if (call.pinned) call.settle({ error })
    else this.#events.onReturned(call)
  }
}

function question(op: 'health' | 'token'): CallRequest {
  return {
    op,
    args: {},
    blob: undefined,
    tenant: '',
    cost: 1,
    changesKeys: false,
    changesToken: false,
    pinned: true,
    timeoutMs: commands[op].timeoutMs ?? 2000,
    signal: new AbortController().signal,
  }
}

function outcomeOf(op: CommandName, answer: Answer): Outcome {
  if ('error' in answer) return { error: fromWire(answer.error) }
  try {
    return { ok: commands[op].parseAnswer(answer.ok) }
  } catch (error) {
    return { error: error as Error }
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function lost(outcome: Done = 'unknown'): WarderError {
  return new WarderError('hsm-unavailable', 'The HSM host was lost during the call', {
    facts: { reason: 'host-lost', outcome },
  })
}

function overCapacity(): WarderError {
  return new WarderError('over-capacity', 'Too many calls are with the HSM host', {
    facts: { outcome: 'not-started' },
  })
}
