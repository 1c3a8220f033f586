import { createHash, timingSafeEqual } from 'node:crypto'
import { type Op, type Store, WarderError } from '@warder/contract'
import { z } from 'zod'
import type { Idempotency, StoredAnswer } from '../engine-api.ts'
import { eventOf } from '../policy/authorize.ts'
import { change, type Collection, removal, type Repository } from '../records/repository.ts'

const record = z.strictObject({
  digest: z.base64(),
  createdAt: z.string(),
  /** `null` while the act runs, and for good where the answer is not kept. */
  answer: z.strictObject({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() }).nullable(),
  done: z.boolean(),
})
type Remembered = z.infer<typeof record>

const remembered: Collection<Remembered> = {
  name: 'idempotency',
  schema: record,
  attributes: ({ createdAt }) => ({ createdAt }),
}

/** How long an answer is remembered, in milliseconds. */
const lifetime = 86_400_000

interface Parts {
  readonly repository: Repository
  readonly store: Store
  now(): Date
}

export function createIdempotency({ repository, store, now }: Parts): Idempotency & { forget(op: Op): Promise<void> } {
  /** Requests this process is working on. What a crash left unfinished is not among them and may be done again. */
  const running = new Set<string>()
  const isOver = ({ createdAt }: Pick<Remembered, 'createdAt'>): boolean =>
    Date.parse(createdAt) + lifetime <= now().getTime()

  return {
    async once(call, { route, key, digest, keepAnswer }, act) {
      const id = createHash('sha256')
        .update(JSON.stringify([call.principal.credential, route, key]))
        .digest('hex')
      if (running.has(id))
        throw new WarderError('idempotency-in-flight', 'The first request with this key is still being worked on.')
      running.add(id)
      try {
        const event = { ...eventOf(call), type: 'system' } as const
        const found = await repository.read(remembered, id, call)
        if (found !== undefined && !isOver(found.value)) {
          const replay = answerOf(found.value, digest)
          if (replay !== undefined) return { ...replay, replayed: true }
        }
        const begun: Remembered = {
          digest: Buffer.from(digest).toString('base64'),
          createdAt: now().toISOString(),
          answer: null,
          done: false,
        }
        const begin = { ...event, action: 'idempotency:begin', subject: { id }, result: 'ok' } as const
        await repository.write(begin, [change(remembered, id, found?.revision ?? 'absent', begun)], call)
        const revision = repository.revision(remembered, id) ?? 1
        const always: Op = { signal: new AbortController().signal }
        let answer: StoredAnswer
        try {
          answer = await act()
        } catch (error) {
          const end = {
            ...event,
            action: 'idempotency:end',
            subject: { id },
            result: WarderError.is(error) ? error.code : 'internal',
          } as const
          await repository.write(end, [removal(remembered, id, revision)], always)
          throw error
        }
        const end = { ...event, action: 'idempotency:end', subject: { id }, result: 'ok' } as const
        const done: Remembered = {
          ...begun,
          answer: keepAnswer ? { ...answer, headers: { ...answer.headers } } : null,
          done: true,
        }
        await repository.write(end, [change(remembered, id, revision, done)], always)
        return { ...answer, replayed: false }
      } finally {
        running.delete(id)
      }
    },

    async forget(op) {
      let after: string | undefined
      do {
        const page = await store.query(remembered.name, { limit: 500, ...(after !== undefined && { after }) }, op)
        for (const { id, attributes } of page.records) {
          if (running.has(id) || !isOver({ createdAt: String(attributes['createdAt']) })) continue
          const found = await repository.read(remembered, id, op)
          if (found === undefined || !isOver(found.value)) continue
          const draft = {
            type: 'system',
            action: 'idempotency:forget',
            correlation: 'maintenance',
            actor: 'system',
            subject: { id },
            result: 'ok',
          } as const
          await repository.write(draft, [removal(remembered, id, found.revision)], op)
        }
        after = page.next
      } while (after !== undefined)
    },
  }
}

/**
 * The answer to give again; `undefined` when the first attempt did not come to one.
 * @throws WarderError `idempotency-conflict` for another request, or an answer that was not kept.
 */
function answerOf({ digest: first, answer, done }: Remembered, digest: Uint8Array): StoredAnswer | undefined {
  const same = timingSafeEqual(
    createHash('sha256').update(Buffer.from(first, 'base64')).digest(),
    createHash('sha256').update(digest).digest(),
  )
  if (!same) throw new WarderError('idempotency-conflict', 'This key was used for another request.')
  if (!done) return undefined
  if (answer === null) {
    throw new WarderError(
      'idempotency-conflict',
      'This request was done, and its answer held a secret that is shown once.',
    )
  }
  return answer
}
