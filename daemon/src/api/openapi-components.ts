import type { Json } from './json.ts'
import type { Operation } from './operation.ts'

export type ProblemSpecs = Readonly<Record<string, { readonly status: number; readonly title: string }>>

export const headerRef = (name: string): Json => ({ $ref: `#/components/headers/${name}` })

/** One item of a batch that was refused. */
export const itemRefusal: Json = {
  type: 'object',
  required: ['error'],
  properties: { error: { $ref: '#/components/schemas/ItemProblem' } },
}

/** What operations refer to by name. */
export function components(answers: Json, problems: ProblemSpecs): Json {
  const problem = problemProperties(Object.keys(problems))
  const { request_id: _, ...itemProblem } = problem
  return {
    schemas: {
      ...answers,
      Problem: problemSchema('RFC 9457, with facts such as `field` or `mechanism` beside these members', problem),
      ItemProblem: problemSchema('A problem of one item; it is of the same request', itemProblem),
    },
    securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, wrd_…' } },
    responses: responses(problems),
    parameters: {
      IfMatch: headerParameter('If-Match', true, 'The ETag that was seen, or * for any', etag),
      IfMatchOptional: headerParameter('If-Match', false, 'The ETag that was seen; absent is any', etag),
      IfNoneMatch: headerParameter('If-None-Match', false, 'ETags that are known already', 'string'),
      IdempotencyKey: headerParameter('Idempotency-Key', false, 'Repeated, the first answer is given again', {
        type: 'string',
        minLength: 1,
        maxLength: 255,
        pattern: '^[\\x20-\\x7e]+$',
      }),
      RequestId: headerParameter('X-Request-Id', false, 'Names this request; made up when absent', {
        type: 'string',
        pattern: '^[A-Za-z0-9._-]{1,64}$',
      }),
      TraceParent: headerParameter('traceparent', false, 'W3C Trace Context; its trace id goes into the log', 'string'),
    },
    headers: {
      RequestId: { description: 'Names this request in logs and the journal', schema: { type: 'string' } },
      Location: { description: 'Where the created thing is', schema: { type: 'string' } },
      Link: { description: 'The next page, if there is one (RFC 8288)', schema: { type: 'string' } },
      ETag: { description: 'The id and the generation, strong', schema: etag },
      IdempotencyReplayed: {
        description: 'The answer of an earlier request of the same Idempotency-Key',
        schema: { type: 'string', enum: ['true'] },
      },
      RetryAfter: { description: 'Seconds to wait before trying again', schema: { type: 'integer' } },
    },
  }
}

const etag: Json = { type: 'string', examples: ['"7d444840-9dc0-41d1-b245-5ffdce74fad2.3"'] }

function headerParameter(name: string, required: boolean, description: string, schema: Json | 'string'): Json {
  return { name, in: 'header', required, description, schema: schema === 'string' ? { type: 'string' } : schema }
}

/** The problems an operation can meet, by status. */
export function problemResponses(operation: Operation): Json {
  const statuses = [400, 401, 403, 500, 501, 503]
  if (operation.params !== undefined) statuses.push(404)
  if (operation.method !== 'GET') statuses.push(409, 413, 415, 422)
  if (operation.ifMatch !== undefined) statuses.push(412)
  if (operation.ifMatch === 'required') statuses.push(428)
  const refs: Record<string, Json> = { default: { $ref: '#/components/responses/Problem' } }
  for (const status of statuses) refs[status] = { $ref: `#/components/responses/Problem${status}` }
  return refs
}

/** One response for each status that a problem can have, naming the codes that have it. */
function responses(problems: ProblemSpecs): Json {
  const codes = new Map<number, string[]>()
  for (const [code, { status }] of Object.entries(problems)) codes.set(status, [...(codes.get(status) ?? []), code])
  return {
    Problem: problemResponse('A problem (RFC 9457)'),
    ...Object.fromEntries([...codes].map(([status, each]) => [`Problem${status}`, problemResponse(each.join(', '))])),
  }
}

function problemResponse(description: string): Json {
  return {
    description,
    headers: { 'X-Request-Id': headerRef('RequestId'), 'Retry-After': headerRef('RetryAfter') },
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

function problemProperties(codes: readonly string[]): Json {
  return {
    type: { type: 'string', format: 'uri', description: 'urn:warder:problem: and the code' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: codes },
    request_id: { type: 'string' },
    retryable: { type: 'boolean', description: 'The same request may succeed later' },
  }
}

function problemSchema(description: string, properties: Json): Json {
  return {
    type: 'object',
    description,
    properties: { ...properties, field: { type: 'string' } },
    required: Object.keys(properties),
  }
}
