import { WarderError } from '@warder/contract'
import type { z } from 'zod'
import { malformedBase64 } from './fields.ts'

export type Part = 'path' | 'query' | 'body'

/**
 * Parses one part of a request. The errors say where and what was expected, in the schema's words only: neither a value
 * nor a name that the caller made up is ever repeated.
 * @throws WarderError `unknown-field` (facts: the `allowed` names), `malformed-base64` or `malformed-request`, each with
 *   the fact `field`.
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, part: Part): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw refusal(parsed.error.issues, schema, part)
}

function refusal(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, part: Part): WarderError {
  const unknown = issues.find(issue => issue.code === 'unrecognized_keys')
  if (unknown !== undefined) {
    const allowed = unknown.path.length === 0 ? namesOf(schema) : []
    return new WarderError('unknown-field', `the ${part} has a field that this operation does not take`, {
      facts: { field: fieldOf(unknown, part), ...(allowed.length > 0 ? { allowed } : {}) },
    })
  }
  const issue = issues[0]
  if (issue === undefined) throw new TypeError('a schema refused a value without an issue')
  const field = fieldOf(issue, part)
  const base64 = issues.find(each => each.code === 'custom' && each.params?.['code'] === malformedBase64.code)
  if (base64 !== undefined) {
    const at = fieldOf(base64, part)
    return new WarderError('malformed-base64', `${at}: ${base64.message}`, { facts: { field: at } })
  }
  return new WarderError('malformed-request', `${field}: ${issue.message}`, { facts: { field } })
}

/**
 * Only the first name is the schema's for certain (its top is a strict object); below it a name may be a record's key,
 * which is the caller's own text. Positions in lists are kept.
 */
function fieldOf(issue: z.core.$ZodIssue, part: Part): string {
  const [top, ...below] = issue.path
  if (typeof top !== 'string') return part
  const positions = below.filter(step => typeof step === 'number')
  return positions.length === below.length ? [top, ...positions].join('.') : top
}

function namesOf(schema: z.ZodType): readonly string[] {
  return 'shape' in schema && typeof schema.shape === 'object' && schema.shape !== null ? Object.keys(schema.shape) : []
}
