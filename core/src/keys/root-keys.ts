import { type KeyProvider, type Log, type Op, WarderError } from '@warder/contract'
import { z } from 'zod'
import type { EventDraft } from '../audit/event.ts'
import type { RootKeys } from '../engine-api.ts'
import { type Authorize, eventOf, rootSpace } from '../policy/authorize.ts'
import { change, type Collection, type Repository } from '../records/repository.ts'
import { keyVersions } from './collection.ts'
import { base64, toRef } from './material.ts'
import type { RootRotation } from './model.ts'

const rotationRecord = z.strictObject({ rootKey: z.int(), state: z.enum(['running', 'done']), startedAt: z.string() })

/** The one rotation there is or was, under this id. */
const rotations: Collection<z.infer<typeof rotationRecord>> = {
  name: 'root-rotations',
  schema: rotationRecord,
  attributes: () => ({}),
}
const only = 'current'
/** Made with the token, before there is anything to wrap. */
const firstRootKey = 1

interface RootKeyParts {
  readonly repository: Repository
  readonly hsm: KeyProvider
  readonly authorize: Authorize
  readonly log: Log
  now(): Date
}

export interface RootKeyService extends RootKeys {
  /** Goes on with a rotation that was interrupted, be it that it is not on record yet; returns before it has ended. */
  resume(op: Op): Promise<void>
  /** Stops after the version in hand and resolves. */
  close(): Promise<void>
}

/**
 * Rotation of the root key. The old one goes on unwrapping, so keys work throughout; each sealed version is rewrapped
 * inside the HSM, and its record written by compare-and-swap, so it can be interrupted anywhere and gone on with.
 */
export function createRootKeys({ repository, hsm, authorize, log, now }: RootKeyParts): RootKeyService {
  const background = new AbortController()
  const op: Op = { signal: background.signal }
  let running: Promise<void> | undefined

  async function status(): Promise<RootRotation> {
    const found = await repository.read(rotations, only, op)
    const rootKey = found?.value.rootKey ?? (await hsm.newestRootKey(op))
    let done = 0
    let of = 0
    for await (const { value } of versions()) {
      if (value.private?.custody !== 'sealed') continue
      of++
      if (value.private.rootKey >= rootKey) done++
    }
    return { rootKey, state: found?.value.state ?? 'done', done, of }
  }

  async function* versions(): AsyncIterable<{
    id: string
    value: z.infer<typeof keyVersions.schema>
    revision: number
  }> {
    let after: string | undefined
    for (;;) {
      const ids = repository.ids(keyVersions, { prefix: '', after, limit: 500 })
      for (const id of ids) {
        const found = await repository.read(keyVersions, id, op)
        if (found !== undefined) yield { id, ...found }
      }
      after = ids.at(-1)
      if (after === undefined) return
    }
  }

  /** Passes over all versions until one pass finds nothing left to do. */
  async function rewrapAll(rootKey: number): Promise<void> {
    for (let left = 1; left > 0;) {
      left = 0
      for await (const { id, value } of versions()) {
        if (background.signal.aborted) return
        if (value.private?.custody !== 'sealed' || value.private.rootKey >= rootKey) continue
        await rewrapOne(id, rootKey)
        left++
      }
    }
    await repository.exclusive(rotations, only, async () => {
      const found = await repository.require(rotations, only, op)
      const draft = { ...system, action: 'root-key:rotated', subject: { rootKey }, result: 'ok' } as const
      await repository.write(draft, [change(rotations, only, found.revision, { ...found.value, state: 'done' })], op)
    })
  }

  const rewrapOne = (id: string, rootKey: number): Promise<void> =>
    repository.exclusive(keyVersions, id, async () => {
      const found = await repository.read(keyVersions, id, op)
      if (found?.value.private?.custody !== 'sealed' || found.value.private.rootKey >= rootKey) return
      const ref = toRef(found.value)
      if (ref.custody !== 'sealed') return
      const rewrapped = await hsm.rewrap(ref, op)
      const next = {
        ...found.value,
        private: { custody: 'sealed' as const, rootKey: rewrapped.rootKey, blob: base64(rewrapped.blob) },
      }
      const subject = { key: found.value.key, version: found.value.number, rootKey: rewrapped.rootKey }
      const draft = { ...system, action: 'key:rewrap', subject, result: 'ok' } as const
      await repository.write(draft, [change(keyVersions, id, found.revision, next)], op)
    })

  function start(rootKey: number): void {
    running ??= rewrapAll(rootKey)
      .catch((cause: unknown) =>
        log.error('root key rotation stopped; it goes on when asked again or at the next start', {
          cause: String(cause),
        }),
      )
      .finally(() => (running = undefined))
  }

  /** Puts on record that everything is to be rewrapped under this one, and starts. */
  async function begin(
    by: Pick<EventDraft, 'correlation' | 'actor' | 'authn'>,
    rootKey: number,
    revision: number | undefined,
    each: Op,
  ): Promise<void> {
    const { correlation, actor, authn } = by
    const record = { rootKey, state: 'running' as const, startedAt: now().toISOString() }
    const draft: EventDraft = {
      type: 'configuration',
      action: 'root-key:rotate',
      correlation,
      actor,
      ...(authn && { authn }),
      subject: { rootKey },
      result: 'ok',
    }
    await repository.write(draft, [change(rotations, only, revision ?? 'absent', record)], each)
    start(rootKey)
  }

  return {
    async rotate(call) {
      await authorize(call, { space: rootSpace, permission: 'consolidate', action: 'root-key:rotate' })
      await repository.exclusive(rotations, only, async () => {
        const found = await repository.read(rotations, only, call)
        if (found?.value.state === 'running') return start(found.value.rootKey)
        await begin(eventOf(call), await hsm.createRootKey(call), found?.revision, call)
      })
      return status()
    },

    async status(call) {
      await authorize(call, { space: rootSpace, permission: 'consolidate', action: 'root-key:status' })
      return status()
    },

    async resume(each) {
      await repository.exclusive(rotations, only, async () => {
        const found = await repository.read(rotations, only, each)
        if (found?.value.state === 'running') return start(found.value.rootKey)
        // the token had made it, and the end came before it was on record
        const newest = await hsm.newestRootKey(each)
        if (newest > (found?.value.rootKey ?? firstRootKey)) await begin(system, newest, found?.revision, each)
      })
    },

    async close() {
      background.abort(new WarderError('cancelled', 'The engine closes.'))
      await running
    },
  }
}

const system = { type: 'system', correlation: 'root-rotation', actor: 'system' } as const
