import { WarderError, type KeyProvider, type Log } from '@warder/contract'
import type { Channel } from './channel.ts'
import { commands, isCommand } from './commands.ts'
import { maxCallsPerConnection, parseRequest, stopping, toWire, type Farewell, type Request } from './protocol.ts'

interface HostCall {
  readonly controller: AbortController
  timer: NodeJS.Timeout | undefined
  /** Why it was aborted, if it was. */
  ended: 'deadline' | 'cancelled' | undefined
}

/**
 * The calls of one connection, all served at once; ordering and queues are the provider's.
 *
 * A call takes its place until the provider has let go of it, also when nobody waits for it any more, so that the bound
 * is one on work and not on patience.
 */
export class HostCalls {
  readonly #provider: KeyProvider
  readonly #channel: Channel
  readonly #log: Log
  readonly #calls = new Map<number, HostCall>()
  readonly #onIdle: () => void
  readonly #onWear: () => void
  #stopping = false

  constructor(
    provider: KeyProvider,
    channel: Channel,
    log: Log,
    { onIdle, onWear }: { readonly onIdle: () => void; readonly onWear: () => void },
  ) {
    this.#provider = provider
    this.#channel = channel
    this.#log = log
    this.#onIdle = onIdle
    this.#onWear = onWear
  }

  get size(): number {
    return this.#calls.size
  }

  /** False when the peer does not speak the protocol, and is to be hung up on. */
  receive(message: unknown): boolean {
    const request = parseRequest(message)
    if (request === undefined) return false
    if ('cancel' in request) {
      this.#abort(request.id, 'cancelled')
      return true
    }
    if (this.#calls.has(request.id)) return false
    const refusal = this.#refusal(request)
    if (refusal === undefined) void this.#serve(request)
    else this.#answer({ id: request.id, error: toWire(refusal), hsmMicros: 0 })
    return true
  }

  /** New calls are refused from here on, with the fact that nothing of them was done. */
  stop(): void {
    this.#stopping = true
  }

  /** Says, if it is so, that all that was begun is answered. Nothing is answered after it. */
  farewell(): void {
    if (this.#calls.size === 0) this.#channel.send({ drained: true } satisfies Farewell)
  }

  /** The peer is gone: nobody waits for anything. */
  abandon(): void {
    for (const id of this.#calls.keys()) this.#abort(id, 'cancelled')
  }

  #refusal(request: Request): WarderError | undefined {
    if (this.#stopping) return stopping()
    if (!isCommand(request.op)) {
      return new WarderError('malformed-request', 'The HSM host knows no such command', { facts: { field: 'op' } })
    }
    if (this.#calls.size >= maxCallsPerConnection) {
      return new WarderError('over-capacity', 'The HSM host has too many calls in flight', {
        facts: { limit: maxCallsPerConnection },
      })
    }
    return undefined
  }

  async #serve({ id, op, deadline, args }: Request): Promise<void> {
    const controller = new AbortController()
    const call: HostCall = { controller, timer: undefined, ended: undefined }
    call.timer = setTimeout(() => this.#abort(id, 'deadline'), deadline)
    this.#calls.set(id, call)
    const command = commands[op as keyof typeof commands]
    if (command.wears) this.#onWear()
    const began = performance.now()
    const micros = () => Math.round((performance.now() - began) * 1000)
    try {
      const ok = await command.serve(this.#provider, args, { signal: controller.signal })
      this.#answer({ id, ok, hsmMicros: micros() })
      if (command.secretAnswer && ok instanceof Uint8Array) ok.fill(0)
    } catch (error) {
      if (!WarderError.is(error)) this.#log.error('A call failed in a way that has no code', { op, ...whereOf(error) })
      this.#answer({ id, error: toWire(endedBy(call) ?? error), hsmMicros: micros() })
    } finally {
      clearTimeout(call.timer)
      this.#calls.delete(id)
      if (this.#calls.size === 0) this.#onIdle()
    }
  }

  #abort(id: number, reason: 'deadline' | 'cancelled'): void {
    const call = this.#calls.get(id)
    if (call === undefined || call.ended !== undefined) return
    call.ended = reason
    call.controller.abort()
  }

  #answer(answer: object): void {
    try {
      this.#channel.send(answer)
    } catch (error) {
      // too large for a frame: the caller still gets its one answer
      const { id } = answer as { id: number }
      this.#log.error('An answer did not fit the channel', whereOf(error))
      this.#channel.send({ id, error: toWire(undefined), hsmMicros: 0 })
    }
  }
}

function endedBy(call: HostCall): WarderError | undefined {
  if (call.ended === 'deadline') return new WarderError('hsm-timeout', 'The HSM did not answer in time')
  if (call.ended === 'cancelled') return new WarderError('cancelled', 'The call was cancelled')
  return undefined
}

/** Where an unforeseen error came from, without its text: that may hold anything. */
export function whereOf(error: unknown): { readonly error: string; readonly at: string } {
  if (!(error instanceof Error)) return { error: typeof error, at: '' }
  const frames = (error.stack ?? '').split('\n').filter(line => line.trimStart().startsWith('at '))
  return { error: error.name, at: frames.slice(0, 4).join(' ').replaceAll(/\s+/g, ' ').trim() }
}
