import type { Json } from './json.ts'

const problem: Json = { $ref: '#/components/responses/Problem' }
const refusals: Json = { 405: { $ref: '#/components/responses/Problem405' }, '4XX': problem, default: problem }
const text: Json = { 'text/plain': { schema: { type: 'string' } } }
const json = (schema: Json): Json => ({ 'application/json': { schema } })
const health: Json = {
  type: 'object',
  required: ['ok', 'detail'],
  properties: { ok: { type: 'boolean' }, detail: { type: 'string' } },
}

/** What is told of the appliance itself, beside the operations. */
export const openPaths: Json = {
  '/livez': {
    get: {
      operationId: 'livez',
      summary: 'The process answers',
      tags: ['appliance'],
      security: [],
      responses: { 200: { description: 'ok', content: text }, ...refusals },
    },
  },
  '/readyz': {
    get: {
      operationId: 'readyz',
      summary: 'The appliance can serve',
      tags: ['appliance'],
      security: [],
      parameters: [
        { name: 'verbose', in: 'query', required: false, description: 'Part by part', schema: { type: 'string' } },
      ],
      responses: {
        200: { description: 'It can', content: text },
        503: { description: 'It cannot', content: text },
        ...refusals,
      },
    },
  },
  '/healthz': {
    get: {
      operationId: 'healthz',
      summary: 'The health of each part, with detail',
      tags: ['appliance'],
      'x-warder-permission': 'introspect',
      responses: {
        200: { description: 'All parts are well', content: json({ $ref: '#/components/schemas/ApplianceHealth' }) },
        503: { description: 'One is not', content: json({ $ref: '#/components/schemas/ApplianceHealth' }) },
        ...refusals,
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      summary: 'Metrics in the text format of Prometheus',
      tags: ['appliance'],
      'x-warder-permission': 'introspect',
      responses: { 200: { description: 'All metrics', content: text }, ...refusals },
    },
  },
  '/problems/{code}': {
    get: {
      operationId: 'getProblem',
      summary: 'What a problem means and what to do about it',
      tags: ['appliance'],
      security: [],
      parameters: [{ name: 'code', in: 'path', required: true, schema: { type: 'string' } }],
      responses: {
        200: {
          description: 'The page of this code',
          content: { ...json({ $ref: '#/components/schemas/ProblemPage' }), ...text },
        },
        ...refusals,
      },
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'openapi',
      summary: 'This document',
      tags: ['appliance'],
      security: [],
      responses: { 200: { description: 'OpenAPI 3.1', content: json({ type: 'object' }) }, ...refusals },
    },
  },
}

export const openSchemas: Json = {
  ApplianceHealth: {
    type: 'object',
    required: ['ok', 'version', 'uptimeSeconds', 'parts', 'eventLoop', 'caches'],
    properties: {
      ok: { type: 'boolean' },
      version: { type: 'string' },
      uptimeSeconds: { type: 'integer' },
      parts: { type: 'object', additionalProperties: health },
      eventLoop: {
        type: 'object',
        description: 'How late it was, in milliseconds',
        required: ['p99Ms', 'maxMs'],
        properties: { p99Ms: { type: 'number' }, maxMs: { type: 'number' } },
      },
      caches: {
        type: 'object',
        additionalProperties: {
          type: 'object',
          required: ['hits', 'misses', 'entries'],
          properties: { hits: { type: 'integer' }, misses: { type: 'integer' }, entries: { type: 'integer' } },
        },
      },
    },
  },
  ProblemPage: {
    type: 'object',
    required: ['type', 'code', 'title', 'status', 'retryable', 'meaning', 'remedy'],
    properties: {
      type: { type: 'string', format: 'uri' },
      code: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      retryable: { type: 'boolean' },
      meaning: { type: 'string' },
      remedy: { type: 'string' },
    },
  },
}
