import { WarderError } from '@warder/contract'
import type { z } from 'zod'
import type { IssueCode } from './fields.ts'

export type Part = 'path' | 'query' | 'body'

/**
 * Parses one part of a request. The errors say where and what was expected, in the schema's words only: neither a value
 * nor a name that the caller made up is ever repeated.
 * @throws WarderError `unknown-field` (facts: the `allowed` names), `malformed-base64`, `body-too-large` (facts: the
 *   `limit` in bytes) or `malformed-request`, each with the fact `field`.
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, part: Part): z.output<Schema> {
  const parsed = judge(schema, value, part)
  if (parsed.success) return parsed.data
  throw refusal(parsed.error.issues, schema, part)
}

/** Zod compares the `length` of whatever stands where a text should, and throws at one that is an object without a number. */
function judge<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  part: Part,
): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return schema.safeParse(value)
  } catch (cause) {
    throw new WarderError('malformed-request', `the ${part} has a value of a wrong type`, {
      facts: { field: part },
      cause,
    })
  }
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
  for (const each of issues) {
    const code = codeOf(each)
    if (code === undefined) continue
    const at = fieldOf(each, part)
    const limit: unknown = each.code === 'custom' ? each.params?.['limit'] : undefined
    const facts = code === 'body-too-large' && typeof limit === 'number' ? { field: at, limit } : { field: at }
    return new WarderError(code, `${at}: ${each.message}`, { facts })
  }
  return new WarderError('malformed-request', `${field}: ${issue.message}`, { facts: { field } })
}

/** The code that a schema asked for. */
function codeOf(issue: z.core.$ZodIssue): IssueCode | undefined {
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined
  return code === 'malformed-base64' || code === 'body-too-large' ? code : undefined
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
