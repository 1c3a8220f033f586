import { WarderError, warderCodes, type Facts } from '@warder/contract'
import { z } from 'zod'
import { firstValue, maxRun, type Run, type RunItem } from './runs.ts'

/**
 * Glossary
 * - *host*: the process that has the token open. *caller*: the API process, which is not trusted with attributes or labels.
 * - *request*, *run*, *cancel*: caller to host. *answer*: host to caller, exactly one for each request, and for each call of
 *   a run, that was well-formed.
 * - *id*: chosen by the caller, unique among its unanswered calls on one connection.
 *
 * A run is an array, `[op, ref, common, [[id, deadline, ...values], ...]]`, and all else a caller sends a map. What a host
 * sends is an array of answers, `[id, hsmMicros, ok]` or `[id, hsmMicros, nil, error]` each, or the map of its farewell.
 * Neither end takes the one for the other, and either hangs up on what is neither.
 */
export interface Request {
  readonly id: number
  readonly op: string
  /** Milliseconds from arrival after which nobody waits for the answer. */
  readonly deadline: number
  readonly args: unknown
}

/** Nobody waits any more. Queued work is dropped, started work finishes; an answer follows either way. */
export interface Cancel {
  readonly id: number
  readonly cancel: true
}

export type Answer =
  | { readonly id: number; readonly ok: unknown; readonly hsmMicros: number }
  | { readonly id: number; readonly error: WireError; readonly hsmMicros: number }

/** All that is said of an error across the channel. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly facts: Facts
}

/**
 * A stopping host's last message, before it hangs up: it has answered all that it began, and does nothing of what it has not
 * answered.
 */
export interface Farewell {
  readonly drained: true
}

export function isFarewell(message: unknown): boolean {
  return isMap(message) && message['drained'] === true && Object.keys(message).length === 1
}

/** How a host that is about to end refuses a call. */
export function stopping(): WarderError {
  return new WarderError('hsm-unavailable', 'The HSM host is stopping', {
    facts: { reason: 'stopping', outcome: 'not-started' },
  })
}

export function isStopping(error: Error): boolean {
  return (
    WarderError.is(error, 'hsm-unavailable') &&
    error.facts['reason'] === 'stopping' &&
    error.facts['outcome'] === 'not-started'
  )
}

/** Unanswered requests a host takes on one connection; what is beyond is answered `over-capacity`. */
export const maxCallsPerConnection = 1024

const maxDeadlineMs = 600_000

/** `undefined` when it is no message of this protocol; such a peer is hung up on. */
export function parseRequest(message: unknown): Request | Cancel | undefined {
  if (!isMap(message)) return undefined
  const { id, op, deadline, args, cancel } = message
  if (!isWhole(id, 0, 0xffffffff)) return undefined
  if (cancel === true) return { id, cancel }
  if (typeof op !== 'string' || !isWhole(deadline, 0, maxDeadlineMs)) return undefined
  return { id, op, deadline, args }
}

/** `undefined` when it is no run: such a peer is hung up on. What is asked for in it is not yet validated. */
export function parseRun(message: readonly unknown[]): Run | undefined {
  const [op, ref, common, items] = message
  if (message.length !== 4 || typeof op !== 'string' || !Array.isArray(items)) return undefined
  if (items.length < 1 || items.length > maxRun || !items.every(isRunItem)) return undefined
  return { op, ref, common, items }
}

function isRunItem(item: unknown): item is RunItem {
  if (!Array.isArray(item) || item.length < firstValue) return false
  return isWhole(item[0], 0, 0xffffffff) && isWhole(item[1], 0, maxDeadlineMs)
}

/** An answer as it crosses. */
export function wireAnswer(answer: Answer): readonly unknown[] {
  const { id, hsmMicros } = answer
  return 'error' in answer ? [id, hsmMicros, null, answer.error] : [id, hsmMicros, answer.ok]
}

/** `undefined` when these are no answers of this protocol. An error in one is not yet validated: see {@link fromWire}. */
export function parseAnswers(message: unknown): readonly Answer[] | undefined {
  if (!Array.isArray(message) || message.length === 0 || message.length > maxCallsPerConnection) return undefined
  const answers: Answer[] = []
  for (const each of message) {
    const answer = parseAnswer(each)
    if (answer === undefined) return undefined
    answers.push(answer)
  }
  return answers
}

function parseAnswer(value: unknown): Answer | undefined {
  if (!Array.isArray(value)) return undefined
  const [id, hsmMicros, ok, error] = value as readonly unknown[]
  if (!isWhole(id, 0, 0xffffffff) || !isWhole(hsmMicros, 0, Number.MAX_SAFE_INTEGER)) return undefined
  if (value.length === 3) return { id, ok, hsmMicros }
  if (value.length !== 4 || ok !== null) return undefined
  return { id, error: error as WireError, hsmMicros }
}

/** Only code, message and facts of a WarderError cross; anything else is `hsm-failed` without a word of the original. */
export function toWire(error: unknown): WireError {
  if (WarderError.is(error)) return { code: error.code, message: error.message, facts: error.facts }
  return { code: 'hsm-failed', message: 'The HSM host failed to carry out the call', facts: {} }
}

const wireError = z.object({
  code: z.enum(warderCodes),
  message: z.string().max(1000),
  facts: z.record(
    z.string().max(64),
    z.union([z.string().max(1000), z.number(), z.boolean(), z.array(z.string().max(1000)).max(1000)]),
  ),
})

/** The error an answer carries; `hsm-failed` when it is none that we know. */
export function fromWire(error: unknown): WarderError {
  const parsed = wireError.safeParse(error)
  if (!parsed.success) return new WarderError('hsm-failed', 'The HSM host answered with an error of no known form')
  return new WarderError(parsed.data.code, parsed.data.message, { facts: parsed.data.facts })
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}
