import type { Result } from './figure.ts'
import { figureText } from './figure-text.ts'

/** What is to be reached: of a figure's ratio where `of` says so, else of its value. */
export interface Goal {
  readonly id: string
  readonly says: string
  readonly of: 'ratio' | 'value'
  readonly least?: number
  readonly most?: number
}

const atLeast = (id: string, least: number, says: string): Goal => ({ id, says, of: 'ratio', least })
const atMost = (id: string, most: number, says: string): Goal => ({ id, says, of: 'value', most })

export const goals: readonly Goal[] = [
  atLeast('engine.rsa2048.c64', 0.95, 'engine, RSA-2048, 64 callers, of the raw loop'),
  atLeast('engine.rsa3072.c64', 0.95, 'engine, RSA-3072, 64 callers, of the raw loop'),
  atLeast('engine.p256.c64', 0.75, 'engine, P-256, 64 callers, of the raw loop'),
  atLeast('engine.ed25519.c64', 0.9, 'engine, Ed25519, 64 callers, of the raw loop'),
  atLeast('engine.gcm1k.c64', 0.45, 'engine, AES-GCM of 1 KiB, 64 callers, of the raw loop'),
  atLeast('engine.p256.batch100', 0.9, 'engine, P-256 in batches of 100, of the raw loop'),
  atLeast('engine.p256.sealed_cached', 0.9, 'sealed keys in the cache, of resident ones'),
  atLeast('rest.p256.c64.https_echo', 0.4, 'REST, P-256, 64 callers, of a bare `node:https` echo'),
  atLeast('rest.p256.c64.koa_echo', 0.6, 'REST, P-256, 64 callers, of a bare Koa echo'),
  atLeast('rest.rsa2048.c64', 0.8, 'REST, RSA-2048, 64 callers, of the raw loop'),
  atLeast('rest.rsa3072.c64', 0.8, 'REST, RSA-3072, 64 callers, of the raw loop'),
  atLeast('rest.p256.batch100', 0.7, 'REST, P-256 in batches of 100, of the raw loop'),
  atMost('audit.cost', 0.1, 'share of the throughput that durable audit takes'),
  atMost('rest.p256.c1.added_ms', 1, 'what one caller waits beyond echo, signature and synced write, ms'),
  atLeast('keys100k.rate', 0.9, 'rate with 100,000 keys, of that with ten'),
  atMost('keys100k.bytes_per_key', 1024, 'memory of a key that nobody uses, bytes'),
  atMost('keys100k.ready_s', 5, 'start with 100,000 keys, s'),
  atMost('list.100k.p99_ms', 20, 'a page of 100 of 100,000 keys with a filter, p99, ms'),
  atMost('loop.load.p99_ms', 5, 'stretch the event loop computes under load, p99, ms'),
  atMost('loop.hang.p99_ms', 50, 'the same while every HSM host hangs, p99, ms'),
  atMost('loop.hang.reads_p99_ms', 20, 'reading a key meanwhile, p99, ms'),
]

/** One row for each goal whose figure was measured: what was asked, what came of it, and whether that is enough. */
export function goalRows(results: readonly Result[], all: readonly Goal[] = goals): readonly (readonly string[])[] {
  return all.flatMap(goal => {
    const result = results.find(({ id }) => id === goal.id)
    const reached = goal.of === 'ratio' ? result?.ratio : result?.value
    if (result === undefined || reached === undefined || reached === null) return []
    const asked = goal.least === undefined ? `≤ ${goal.most}` : `≥ ${goal.least}`
    const isMet = goal.least === undefined ? reached <= (goal.most ?? 0) : reached >= goal.least
    const interval = `${figureText(result.low)} – ${figureText(result.high)}`
    return [[goal.says, `\`${goal.id}\``, asked, figureText(reached), interval, isMet ? 'met' : 'missed']]
  })
}
