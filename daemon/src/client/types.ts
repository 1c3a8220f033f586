import type { z } from 'zod'
import type { Frozen, Operation } from '../api/operation.ts'
import type { OperationId, StatedBy } from './routes.ts'

/** One part of a request: absent where the operation takes none, optional where nothing in it is required. */
type Part<Name extends string, Schema extends z.ZodType> =
  unknown extends z.input<Schema>
    ? unknown
    : object extends z.input<Schema>
      ? { readonly [Key in Name]?: Frozen<z.input<Schema>> }
      : { readonly [Key in Name]: Frozen<z.input<Schema>> }

/** What an operation takes, as it goes over the wire: bytes are base64 text, numbers in a query are text. */
export type Asked<Id extends OperationId> =
  StatedBy<Id> extends Operation<infer Params, infer Query, infer Request, infer _>
    ? Part<'params', Params> & Part<'query', Query> & Part<'body', Request>
    : never

/** What an operation answers, as it comes over the wire. */
export type Answered<Id extends OperationId> =
  StatedBy<Id> extends Operation<infer _Params, infer _Query, infer _Request, infer Response>
    ? Frozen<z.output<Response>>
    : never
