import type { StoredAnswer } from '@warder/core'
import { pathOf, type Operation } from '../api/operation.ts'
import { z } from 'zod'
import { entityTag } from './entity-tag.ts'

/** Status, headers and JSON of an operation's answer: what is sent, and what is kept for an `Idempotency-Key`. */
export type Answer = Pick<StoredAnswer, 'status' | 'headers' | 'body'>

export interface Asked {
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
  /** As the caller wrote it. */
  readonly search: string
  /** As parsed. */
  readonly query: unknown
}

/** What an operation's result looks like over HTTP. */
export function answerOf({ operation, params, search, query }: Asked, result: unknown): Answer {
  const headers: Record<string, string> = {}
  if (operation.entity !== undefined) headers['ETag'] = entityTag(operation.entity(result))
  if (operation.location !== undefined) headers['Location'] = operation.location(result)
  if (operation.paged === true) {
    const { next } = page.parse(result)
    if (next !== undefined) headers['Link'] = nextPage(pathOf(operation.path, params), search, query, next)
  }
  return { status: operation.status, headers, body: JSON.stringify(result) }
}

const page = z.object({ next: z.string().optional() })
const paging = z.object({ limit: z.number() })

/** RFC 8288: the same question, filters and all, from where this page ends. */
function nextPage(path: string, search: string, query: unknown, next: string): string {
  const asked = new URLSearchParams(search)
  asked.set('limit', String(paging.parse(query).limit))
  asked.set('after', next)
  return `<${path}?${asked.toString()}>; rel="next"`
}
