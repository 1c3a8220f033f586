import { WarderError, type KeyProvider, type KeyRef, type Log } from '@warder/contract'
import { SignalPool } from '../signal-pool.ts'
import { parseRef } from './argument-checks.ts'
import type { Channel } from './channel.ts'
import { type Command, commands, isCommand } from './commands.ts'
import { HostAnswers } from './host-answers.ts'
import {
  maxCallsPerConnection,
  parseRequest,
  parseRun,
  stopping,
  toWire,
  type Farewell,
  type Request,
} from './protocol.ts'
import type { Run } from './runs.ts'
import { whereOf } from './where-of.ts'

/** How often it is looked for calls whose time is over. Their caller keeps the time itself. */
const sweepMs = 20

/** A request, or one call of a run. */
interface Asked {
  readonly id: number
  readonly op: string
  readonly deadline: number
}

interface HostCall {
  readonly id: number
  readonly op: string
  readonly controller: AbortController
  /** Both by `performance.now()`. */
  readonly began: number
  readonly until: number
  readonly secretAnswer: boolean
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
  readonly #answers: HostAnswers
  readonly #calls = new Map<number, HostCall>()
  readonly #signals = new SignalPool(64)
  readonly #onIdle: () => void
  readonly #onWear: () => void
  #sweeping = false
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
    this.#answers = new HostAnswers(channel, log)
    this.#onIdle = onIdle
    this.#onWear = onWear
  }

  get size(): number {
    return this.#calls.size
  }

  /** False when the peer does not speak the protocol, and is to be hung up on. */
  receive(message: unknown): boolean {
    if (Array.isArray(message)) {
      const run = parseRun(message)
      return run !== undefined && this.#receiveRun(run)
    }
    const request = parseRequest(message)
    if (request === undefined) return false
    if ('cancel' in request) {
      this.#abort(this.#calls.get(request.id), 'cancelled')
      return true
    }
    return this.#receiveRequest(request)
  }

  /** New calls are refused from here on, with the fact that nothing of them was done. */
  stop(): void {
    this.#stopping = true
  }

  /** Says, if it is so, that all that was begun is answered. Nothing is answered after it. */
  farewell(): void {
    if (this.#calls.size > 0) return
    this.#answers.send()
    this.#channel.send({ drained: true } satisfies Farewell)
  }

  /** The peer is gone: nobody waits for anything. */
  abandon(): void {
    for (const call of this.#calls.values()) this.#abort(call, 'cancelled')
  }

  #receiveRequest(request: Request): boolean {
    if (this.#calls.has(request.id)) return false
    const command = commandOf(request.op)
    this.#take(request, command, () => command?.parseArgs(request.args))
    return true
  }

  #receiveRun({ op, ref, common, items }: Run): boolean {
    const command = commandOf(op)
    const runs = command?.runs
    let key: KeyRef | undefined
    for (const item of items) {
      const [id, deadline] = item
      if (this.#calls.has(id)) return false
      this.#take({ id, op, deadline }, runs && command, () => runs?.args((key ??= parseRef(ref)), common, item))
    }
    return true
  }

  /** Refuses it, or begins it. `args` checks what it was asked with. */
  #take(asked: Asked, command: Command<unknown, unknown> | undefined, args: () => unknown): void {
    const refusal = this.#refusal(command)
    if (command === undefined || refusal !== undefined) {
      this.#answers.add({ id: asked.id, error: toWire(refusal), hsmMicros: 0 })
      return
    }
    const call = this.#begin(asked, command.secretAnswer)
    if (command.wears) this.#onWear()
    let served: Promise<unknown>
    try {
      served = command.serve(this.#provider, args(), { signal: call.controller.signal })
    } catch (error) {
      this.#failed(call, error)
      return
    }
    served.then(
      ok => this.#done(call, ok),
      (error: unknown) => this.#failed(call, error),
    )
  }

  #refusal(command: unknown): WarderError | undefined {
    if (this.#stopping) return stopping()
    if (command === undefined) {
      return new WarderError('malformed-request', 'The HSM host knows no such command', { facts: { field: 'op' } })
    }
    if (this.#calls.size >= maxCallsPerConnection) {
      return new WarderError('over-capacity', 'The HSM host has too many calls in flight', {
        facts: { limit: maxCallsPerConnection },
      })
    }
    return undefined
  }

  #begin({ id, op, deadline }: Asked, secretAnswer: boolean): HostCall {
    const began = performance.now()
    const controller = this.#signals.take()
    const call: HostCall = { id, op, controller, began, until: began + deadline, secretAnswer, ended: undefined }
    this.#calls.set(id, call)
    if (!this.#sweeping) this.#sweepLater()
    return call
  }

  #done(call: HostCall, ok: unknown): void {
    this.#answers.add({ id: call.id, ok, hsmMicros: microsSince(call.began) }, call.secretAnswer)
    this.#end(call)
  }

  #failed(call: HostCall, error: unknown): void {
    const { id, op } = call
    if (!WarderError.is(error)) this.#log.error('A call failed in a way that has no code', { op, ...whereOf(error) })
    this.#answers.add({ id, error: toWire(endedBy(call) ?? error), hsmMicros: microsSince(call.began) })
    this.#end(call)
  }

  #end({ id, controller }: HostCall): void {
    this.#calls.delete(id)
    this.#signals.give(controller)
    if (this.#calls.size === 0) this.#onIdle()
  }

  readonly #endLate = (): void => {
    const now = performance.now()
    for (const call of this.#calls.values()) if (call.until <= now) this.#abort(call, 'deadline')
    this.#sweeping = false
    if (this.#calls.size > 0) this.#sweepLater()
  }

  #sweepLater(): void {
    this.#sweeping = true
    setTimeout(this.#endLate, sweepMs).unref()
  }

  #abort(call: HostCall | undefined, reason: 'deadline' | 'cancelled'): void {
    if (call === undefined || call.ended !== undefined) return
    call.ended = reason
    call.controller.abort()
  }
}

function commandOf(op: string): Command<unknown, unknown> | undefined {
  return isCommand(op) ? commands[op] : undefined
}

function endedBy(call: HostCall): WarderError | undefined {
  if (call.ended === 'deadline') return new WarderError('hsm-timeout', 'The HSM did not answer in time')
  if (call.ended === 'cancelled') return new WarderError('cancelled', 'The call was cancelled')
  return undefined
}

function microsSince(began: number): number {
  return Math.round((performance.now() - began) * 1000)
}
