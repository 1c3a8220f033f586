import { connect, type Socket } from 'node:net'
import { WarderError } from '@warder/contract'
import { backoffMs } from './backoff.ts'
import { Channel } from './channel.ts'
import { commands, type ArgsOf, type CommandName, type ResultOf } from './commands.ts'
import { fromWire, maxCallsPerConnection, parseAnswer, type Answer } from './protocol.ts'
import { hostSocketPath, requireRunDirectory, type SocketSharing } from './run-directory.ts'

const firstRetryMs = 50
const mostRetryMs = 100
/** Bytes a host may leave unread before it gets no more. */
const maxBacklogBytes = 16 * 1024 * 1024

interface Pending {
  readonly op: CommandName
  readonly sentAt: number
  readonly onAnswer: ((answered: Answered) => void) | undefined
  /** Settles the caller's promise, once; what comes later changes nothing. */
  readonly settle: (outcome: { readonly ok: unknown } | { readonly error: Error }) => void
}

export interface Answered {
  readonly op: string
  readonly host: number
  /** Time inside the host, and as the caller saw it. */
  readonly hsmMicros: number
  readonly micros: number
}

export interface ConnectionEvents {
  readonly onUp: () => void
  readonly onDown: () => void
  readonly onAnswer?: ((answered: Answered) => void) | undefined
  /** Asked as each call is sent, where its caller is still known; what it returns is told of the answer, before the caller is. */
  readonly onCall?: (() => ((answered: Answered) => void) | undefined) | undefined
}

/** The caller's end of the channel to one host. Connects by itself, again and again, until closed. Repeats no call. */
export class HostConnection {
  readonly index: number
  readonly #runDir: string
  readonly #sharing: SocketSharing | undefined
  readonly #events: ConnectionEvents
  readonly #calls = new Map<number, Pending>()
  #channel: Channel | undefined
  #lastId = 0
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

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

  /** Calls the host has not answered, also those that nobody waits for any more. */
  get load(): number {
    return this.#calls.size
  }

  get full(): boolean {
    return this.load >= maxCallsPerConnection || (this.#channel?.backlog ?? 0) > maxBacklogBytes
  }

  /**
   * @throws WarderError `hsm-unavailable` with the fact `outcome: unknown` when the host is lost before it answers;
   * `hsm-timeout` and `cancelled` likewise say nothing about what the host did.
   */
  call<Name extends CommandName>(
    op: Name,
    args: ArgsOf<Name>,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<ResultOf<Name>> {
    return new Promise((resolve, reject) => {
      const channel = this.#channel
      if (channel === undefined) throw lost()
      const id = this.#nextId()
      channel.send({ id, op, deadline: timeoutMs, args })
      let waiting = true
      const done = () => {
        waiting = false
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
      const giveUp = (error: WarderError) => {
        done()
        if (this.#channel === channel) channel.send({ id, cancel: true })
        reject(error)
      }
      const onAbort = () => giveUp(cancelled())
      const timer = setTimeout(() => giveUp(timedOut(timeoutMs)), timeoutMs)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#calls.set(id, {
        op,
        sentAt: performance.now(),
        onAnswer: this.#events.onCall?.(),
        settle: outcome => {
          if (!waiting) return
          done()
          if ('error' in outcome) reject(outcome.error)
          else resolve(outcome.ok as ResultOf<Name>)
        },
      })
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#channel?.destroy()
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
    const delay = backoffMs(this.#failures++, firstRetryMs, mostRetryMs)
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
    this.#events.onUp()
  }

  #down(): void {
    this.#channel = undefined
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) call.settle({ error: lost() })
    this.#events.onDown()
    this.#retryLater()
  }

  /** False when it is no answer to a call of ours: that host is not to be believed any further. */
  #receive(message: unknown): boolean {
    const answer = parseAnswer(message)
    const call = answer && this.#calls.get(answer.id)
    if (answer === undefined || call === undefined) return false
    this.#calls.delete(answer.id)
    // a host that answers is well; one that only lets us connect need not be
    this.#failures = 0
    const { op, sentAt } = call
    const micros = Math.round((performance.now() - sentAt) * 1000)
    const answered: Answered = { op, host: this.index, hsmMicros: answer.hsmMicros, micros }
    call.onAnswer?.(answered)
    call.settle(outcomeOf(op, answer))
    this.#events.onAnswer?.(answered)
    return true
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#calls.has(this.#lastId))
    return this.#lastId
  }
}

function outcomeOf(op: CommandName, answer: Answer): { readonly ok: unknown } | { readonly error: Error } {
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

export function cancelled(): WarderError {
  return new WarderError('cancelled', 'The call to the HSM was cancelled', { facts: { outcome: 'unknown' } })
}

function timedOut(timeoutMs: number): WarderError {
  return new WarderError('hsm-timeout', 'The HSM did not answer in time', { facts: { outcome: 'unknown', timeoutMs } })
}

function lost(): WarderError {
  return new WarderError('hsm-unavailable', 'The HSM host was lost during the call', {
    facts: { reason: 'host-lost', outcome: 'unknown' },
  })
}
