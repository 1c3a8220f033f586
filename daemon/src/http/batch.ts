import { WarderError, type WarderCode } from '@warder/contract'
import type { Call, Engine } from '@warder/core'
import { z } from 'zod'
import { batchLimit, type Operation } from '../api/operation.ts'
import { parse } from '../api/parse.ts'
import { asWarderError, itemProblemOf, type ItemProblem } from './problem.ts'

export const batchBody = z.strictObject({ items: z.array(z.unknown()).min(1).max(batchLimit) })

/** What a batch needs of the request around it. */
export interface BatchRequest {
  readonly engine: Engine
  readonly call: Call
  readonly params: unknown
  readonly body: unknown
  /** Told of every item that is refused. */
  onRefused(error: WarderError & { readonly code: WarderCode }): void
}

/** A batch is told from the single form by having `items`, which no single form has. */
export function isBatch(operation: Operation, body: unknown): boolean {
  return (
    operation.handleBatch !== undefined && typeof body === 'object' && body !== null && Object.hasOwn(body, 'items')
  )
}

/**
 * Serves the batch form. An item whose values are refused, here or by the engine, leaves the others alone; one that is not
 * an object, or has a field that nobody knows, is a mistake of the program and refuses the whole before anything is done.
 */
export async function serveBatch(operation: Operation, request: BatchRequest): Promise<{ items: readonly unknown[] }> {
  const { items } = parse(batchBody, request.body, 'body')
  const schema = operation.request ?? z.unknown()
  const read = items.map((item, at) => readItem(schema, item, at))
  const good = read.flatMap(item => ('ok' in item ? [item.ok] : []))
  const { engine, call, params } = request
  // also when none is good: the engine says first whether the caller may ask this of this key
  const served = await operation.handleBatch?.(engine, call, { params, items: good })
  if (served?.length !== good.length) throw new TypeError('a batch was answered with another number of items')
  let next = 0
  return {
    items: read.map(item => {
      const answered = 'ok' in item ? (served[next++] ?? item) : item
      if ('ok' in answered) return answered.ok
      const error = asWarderError(answered.error)
      request.onRefused(error)
      return { error: itemProblemOf(error) } satisfies { error: ItemProblem }
    }),
  }
}

function readItem(
  schema: z.ZodType,
  item: unknown,
  at: number,
): { readonly ok: unknown } | { readonly error: unknown } {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw new WarderError('malformed-request', `items.${at}: must be an object`, { facts: { field: `items.${at}` } })
  }
  try {
    return { ok: parse(schema, item, 'body') }
  } catch (error) {
    if (!WarderError.is(error, 'unknown-field')) return { error }
    const facts = { ...error.facts, field: `items.${at}` }
    throw new WarderError('unknown-field', 'an item has a field that this operation does not take', { facts })
  }
}
