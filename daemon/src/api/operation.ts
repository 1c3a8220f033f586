import type { BatchItem, Call, Engine, Expectation, Permission } from '@warder/core'
import type { z } from 'zod'

/**
 * One thing a caller can ask for, stated once. The router, the OpenAPI document, the 401 matrix and the typed client all
 * come from these.
 */
export interface Operation<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Request extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
> {
  /** The OpenAPI operationId, lower camel case. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** An OpenAPI path template. A colon starts an action: names never contain one. */
  readonly path: `/v1/${string}`
  /** What the engine will ask of the caller. Said here for readers; enforced in the engine and nowhere else. */
  readonly permission: Permission
  readonly summary: string
  readonly params?: Params
  /** Absent: no query parameter is accepted. */
  readonly query?: Query
  /** Absent: no body, or an empty object. */
  readonly request?: Request
  /** Every field of the request may be absent, and so may the body. */
  readonly bodyOptional?: true
  readonly response: Response
  /** Its answer is {@link StreamedBytes}. */
  readonly streamed?: true
  readonly status: 200 | 201
  /** Where the created thing is, for the Location header of a 201. */
  location?(created: z.output<Response>): string
  /** What an ETag names: the thing, and how often it was changed. Every answer carries it. */
  entity?(answer: Frozen<z.input<Response>>): Entity
  /** The operation changes what an ETag names, and takes (or must be given) `If-Match`. */
  readonly ifMatch?: 'required' | 'optional'
  /** Takes `Idempotency-Key`. `secret`: the answer holds a secret shown once and is not kept. */
  readonly idempotency?: 'kept' | 'secret'
  /** Its answers are pages: a Link header says where the next one is (RFC 8288). */
  readonly paged?: true
  /** A method on purpose: its parameters compare bivariantly, which lets operations of all shapes share one table. */
  handle(engine: Engine, call: Call, input: Input<Params, Query, Request>): Promise<Frozen<z.input<Response>>>
  /** The same for many: `{ items: […] }` in, of this request, and `{ items: […] }` out, of this response, in their order. */
  handleBatch?(
    engine: Engine,
    call: Call,
    input: BatchInput<Params, Request>,
  ): Promise<readonly BatchItem<Frozen<z.input<Response>>>[]>
}

/** Answered as application/octet-stream, as they are made. Where that fails, the connection is lost before their end. */
export interface StreamedBytes {
  readonly bytes: AsyncIterable<Uint8Array>
  readonly headers: Readonly<Record<string, string>>
}

export interface Entity {
  readonly id: string
  readonly generation: number
}

export interface Input<Params extends z.ZodType, Query extends z.ZodType, Request extends z.ZodType> {
  readonly params: z.output<Params>
  readonly query: z.output<Query>
  readonly body: z.output<Request>
  /** From `If-Match`; `any` where none was given and none is needed. */
  readonly expect: Expectation
}

export interface BatchInput<Params extends z.ZodType, Request extends z.ZodType> {
  readonly params: z.output<Params>
  /** At most {@link batchLimit}; none when no item of the request could be read. */
  readonly items: readonly z.output<Request>[]
}

/** The most items of one batch. */
export const batchLimit = 1000

/** The engine's views are read-only all the way down, which the types zod infers are not. */
export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

/** Gives an operation its types: the handler's input and answer are checked against its schemas. */
export function operation<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Request extends z.ZodType,
  Response extends z.ZodType,
>(stated: Operation<Params, Query, Request, Response>): Operation<Params, Query, Request, Response> {
  return Object.freeze(stated)
}

/** Fills a path template; every value is percent-encoded. */
export function pathOf(template: string, params: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
}
