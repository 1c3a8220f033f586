import { WarderError, warderCodes, type Facts } from '@warder/contract'
import { z } from 'zod'

/**
 * Glossary
 * - *host*: the process that has the token open. *caller*: the API process, which is not trusted with attributes or labels.
 * - *request*, *cancel*: caller to host. *answer*: host to caller, exactly one for each request that was well-formed.
 * - *id*: chosen by the caller, unique among its unanswered requests on one connection.
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

/** `undefined` when it is no answer of this protocol. The error in it is not yet validated: see {@link fromWire}. */
export function parseAnswer(message: unknown): Answer | undefined {
  if (!isMap(message)) return undefined
  const { id, ok, error, hsmMicros } = message
  if (!isWhole(id, 0, 0xffffffff) || !isWhole(hsmMicros, 0, Number.MAX_SAFE_INTEGER)) return undefined
  if (error === undefined) return ok === undefined ? undefined : { id, ok, hsmMicros }
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
