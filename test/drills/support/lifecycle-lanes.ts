import { randomUUID } from 'node:crypto'
import { type Call, type Engine, type KeyView, permissions } from '@warder/core'
import type { Act, LaneName, Word } from './lifecycle-orders.ts'
import { until } from './until.ts'

const { signal } = new AbortController()
export const space = 'default'

/** An administrator's, as a listener would make it. */
export const call = (): Call => ({
  principal: {
    identity: 'drill',
    credential: 'drill',
    method: 'api-key',
    spaces: '*',
    permissions,
    sourceIp: '127.0.0.1',
  },
  requestId: randomUUID(),
  signal,
})

export interface Drilled {
  readonly engine: Engine
  /** Runs maintenance as it will be in a week. */
  maintainLater(): Promise<void>
}

/** How many keys are destroyed at once. */
const purged = 6

/** The plaintext of every {@link Kept} of a key. */
export const plaintextOf = (name: string): Buffer => Buffer.from(name)

/**
 * Six callers that never stop, each ready with its keys, that are to be started at once. Each rejects when a call of its own
 * fails. `say` hears of an act before it is begun, and after it was acknowledged.
 */
export async function lanesWithoutEnd(
  { engine: { keys, crypto, rootKeys }, maintainLater }: Drilled,
  round: string,
  say: (word: Word) => void,
): Promise<readonly (() => Promise<never>)[]> {
  const create = async (lane: LaneName, name: string = lane, algorithm = 'AES-256'): Promise<string> => {
    const custody = lane === 'rotateResident' ? 'resident' : 'sealed'
    const input = { name: `${name.toLowerCase()}-${round}`, algorithm, custody } as const
    const key = await keys.create(call(), space, input)
    say({ word: 'done', lane, key })
    return key.name
  }
  const act = async (lane: LaneName, name: string, what: Act, work: () => Promise<KeyView>): Promise<void> => {
    say({ word: 'begun', name, act: what })
    say({ word: 'done', lane, key: await work() })
  }
  const keep = async (name: string): Promise<void> => {
    const { ciphertext, version } = await crypto.encrypt(call(), space, name, { plaintext: plaintextOf(name) })
    say({ word: 'kept', name, kept: { version, ciphertext: Buffer.from(ciphertext).toString('base64') } })
  }
  const rotate = (lane: LaneName, name: string): Promise<void> =>
    act(lane, name, { act: 'rotate' }, () => keys.rotate(call(), space, name, 'any'))
  const destroy = (lane: LaneName, name: string, days: number): Promise<void> =>
    act(lane, name, { act: 'destroy' }, () => keys.destroy(call(), space, name, 'any', days))
  const condemned = (batch: number): Promise<string[]> =>
    Promise.all(
      Array.from({ length: purged }, async (_, n) => {
        const name = await create('purge', `purge-${batch}-${n}`)
        await destroy('purge', name, 7)
        return name
      }),
    )

  const [sealed, resident, rolled, destroyed, rooted, first] = await Promise.all([
    create('rotate'),
    create('rotateResident', 'rotateResident', 'P-256'),
    create('rollback'),
    create('destroy'),
    create('rootKey'),
    condemned(0),
  ])
  await Promise.all([sealed, rolled, destroyed, rooted].map(keep))
  for (let version = 2; version <= 3; version++) {
    await rotate('rollback', rolled)
    await keep(rolled)
  }

  return [
    async () => {
      for (;;) {
        await rotate('rotate', sealed)
        await keep(sealed)
      }
    },
    async () => {
      for (;;) await rotate('rotateResident', resident)
    },
    async () => {
      for (let version = 1; ; version = (version % 3) + 1) {
        const what = { act: 'rollback', version } as const
        await act('rollback', rolled, what, () => keys.rollback(call(), space, rolled, 'any', version))
      }
    },
    async () => {
      for (;;) {
        await destroy('destroy', destroyed, 30)
        await act('destroy', destroyed, { act: 'restore' }, () => keys.restore(call(), space, destroyed, 'any'))
        await act('destroy', destroyed, { act: 'enable' }, () => keys.enable(call(), space, destroyed, 'any'))
      }
    },
    async () => {
      for (let batch = 1, names = first; ; batch++) {
        for (const name of names) say({ word: 'begun', name, act: { act: 'purge' } })
        await maintainLater()
        for (const name of names) say({ word: 'done', lane: 'purge', key: await keys.get(call(), space, name) })
        names = await condemned(batch)
      }
    },
    async () => {
      for (;;)
        await act('rootKey', rooted, { act: 'rootKey' }, async () => {
          await rootKeys.rotate(call())
          await until('a new root key', 60_000, async () => (await rootKeys.status(call())).state === 'done')
          return keys.get(call(), space, rooted)
        })
    },
  ]
}
