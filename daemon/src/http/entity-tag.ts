import type { IncomingMessage } from 'node:http'
import { WarderError } from '@warder/contract'
import type { Expectation } from '@warder/core'
import type { Entity } from '../api/operation.ts'

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const strong = new RegExp(`^"(${uuid})\\.(0|[1-9][0-9]{0,14})"$`)
/** RFC 9110 section 8.8.3, as a list. */
const tag = '(?:W/)?"[\\x21\\x23-\\x7e]*"'
const list = new RegExp(`^${tag}(?:[ \\t]*,[ \\t]*${tag})*$`)

/** A strong ETag: the permanent id and the generation, which counts every change. */
export function entityTag({ id, generation }: Entity): string {
  return `"${id}.${generation}"`
}

/**
 * What `If-Match` (RFC 9110 section 13.1.1) asks for: one strong ETag of this service, or `*`. Absent is `any` where it is
 * optional.
 * @throws WarderError `precondition-required`, or `malformed-request` for a weak, a foreign or more than one ETag.
 */
export function expectationOf({ headers }: IncomingMessage, ifMatch: 'required' | 'optional' | undefined): Expectation {
  if (ifMatch === undefined) return 'any'
  const given = headers['if-match']
  if (given === undefined) {
    if (ifMatch === 'optional') return 'any'
    throw new WarderError('precondition-required', 'this changes the key: say with If-Match which ETag you have seen', {
      facts: { field: 'If-Match' },
    })
  }
  if (given === '*') return 'any'
  const [, id, generation] = strong.exec(given) ?? []
  if (id !== undefined) return { id, generation: Number(generation) }
  throw malformed('If-Match', 'must be one strong ETag of this service, or *')
}

/**
 * Whether `If-None-Match` (RFC 9110 section 13.1.2) names this ETag, compared weakly.
 * @throws WarderError `malformed-request`
 */
export function isKnown({ headers }: IncomingMessage, current: string): boolean {
  const given = headers['if-none-match']
  if (given === undefined) return false
  if (given === '*') return true
  if (!list.test(given)) throw malformed('If-None-Match', 'must be a list of ETags, or *')
  return given.split(',').some(each => each.trim().replace(/^W\//, '') === current)
}

function malformed(field: string, message: string): WarderError {
  return new WarderError('malformed-request', `${field}: ${message}`, { facts: { field } })
}
