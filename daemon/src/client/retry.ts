import { RemoteProblem, Unreachable } from './errors.ts'

const attempts = 3
const firstWaitMs = 200
const longestWaitMs = 5000

/**
 * How long to wait before asking again, in milliseconds, or `undefined` to give up. Only what is safe (RFC 9110 section
 * 9.2.1: GET) is ever asked twice: when the answer to anything else is lost, it may have been done.
 */
export function retryDelay(method: string, attempt: number, failure: unknown): number | undefined {
  if (method !== 'GET' || attempt >= attempts) return undefined
  const backoff = firstWaitMs * 2 ** (attempt - 1)
  if (failure instanceof Unreachable) return failure.reason === 'lost' ? backoff : undefined
  if (!(failure instanceof RemoteProblem) || !failure.retryable) return undefined
  const wait = Math.max(backoff, failure.retryAfterMs ?? 0)
  return wait > longestWaitMs ? undefined : wait
}
