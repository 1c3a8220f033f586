import { type KeyUsage, WarderError } from '@warder/contract'
import type { EventDraft } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import { type Call, onBehalfOf, type Permission } from '../call.ts'
import { eventOf } from '../policy/authorize.ts'
import { type FoundKey, type Keyring, requireUsage } from './keyring.ts'
import { inLanes } from './lanes.ts'
import type { BatchItem } from './model.ts'
import { decryptionFailed } from './wire.ts'

/** What every result tells of the key that was used. */
interface Used {
  readonly version: number
  readonly algorithm?: string
}

/** One kind of operation on a key. */
export interface Use<Item, Result extends Used> {
  readonly action: string
  readonly usage: KeyUsage
  readonly permission: Permission
  /** Absent for what needs no private half: nothing is used that the journal should tell of. */
  readonly digestOf?: (item: Item) => Uint8Array
  one(key: FoundKey, item: Item, call: Call): Promise<Result>
  /** The items of a batch, where that takes less than each alone. Never rejects; answers in the order of the items. */
  all?(key: FoundKey, items: readonly Item[], call: Call): Promise<readonly BatchItem<Result>[]>
}

export interface Target {
  readonly call: Call
  readonly space: string
  readonly name: string
}

/** The most items of one batch. */
export const maxBatch = 1000

/** How many items of a batch are under way at once. */
const width = 64

/** Requests that were refused for their form used nothing, and are not journaled. */
const formRefusals = ['malformed-request', 'unknown-algorithm', 'algorithm-mismatch'] as const

/**
 * Runs operations: authorises once, does each item, and has one durable record of it all before anybody hears of a result.
 * A result that cannot be recorded is not given.
 */
export class Uses {
  readonly #keyring: Keyring
  readonly #journal: Journal

  constructor(keyring: Keyring, journal: Journal) {
    this.#keyring = keyring
    this.#journal = journal
  }

  async single<Item, Result extends Used>(use: Use<Item, Result>, target: Target, item: Item): Promise<Result> {
    const [result] = await this.#run(use, target, [item], false)
    if (result === undefined) throw new TypeError('an item without a result')
    if ('error' in result) throw result.error
    return result.ok
  }

  /** Without an item it authorises all the same, and uses nothing. */
  async batch<Item, Result extends Used>(
    use: Use<Item, Result>,
    target: Target,
    items: readonly Item[],
  ): Promise<readonly BatchItem<Result>[]> {
    if (items.length > maxBatch) {
      throw new WarderError('malformed-request', `A batch has at most ${maxBatch} items.`, {
        facts: { field: 'items' },
      })
    }
    return this.#run(use, target, items, true)
  }

  async #run<Item, Result extends Used>(
    use: Use<Item, Result>,
    { call, space, name }: Target,
    items: readonly Item[],
    isBatch: boolean,
  ): Promise<readonly BatchItem<Result>[]> {
    await this.#keyring.enter(call, space, use.permission, use.action)
    const key = await this.#keyring.find(space, name, call)
    requireUsage(key, use.usage)
    const within = onBehalfOf(call, space)
    const results =
      isBatch && use.all !== undefined
        ? await use.all(key, items, within)
        : await eachOf(items, item => use.one(key, item, within))
    if (
      use.digestOf !== undefined &&
      results.some(result => !('error' in result) || !WarderError.is(result.error, ...formRefusals))
    ) {
      await this.#journal.append(draftOf(use, key, items.map(use.digestOf), results, call, isBatch))
    }
    return results
  }
}

function draftOf(
  { action }: Pick<Use<unknown, Used>, 'action'>,
  key: FoundKey,
  inputs: readonly Uint8Array[],
  results: readonly BatchItem<Used>[],
  call: Call,
  isBatch: boolean,
): EventDraft {
  const { space, id, name } = key
  const event = { ...eventOf(call), type: 'key-use', action } as const
  const [only] = results
  if (!isBatch && only !== undefined) {
    const { version, algorithm }: Partial<Used> = 'error' in only ? {} : only.ok
    const subject = { space, key: id, name, version, algorithm, input: inputs[0] }
    return { ...event, subject, result: 'error' in only ? codeOf(only.error) : 'ok' }
  }
  const versions = new Set<number>()
  const algorithms = new Set<string>()
  const refused: { index: number; code: string }[] = []
  for (const [index, result] of results.entries()) {
    if ('error' in result) refused.push({ index, code: codeOf(result.error) })
    else {
      versions.add(result.ok.version)
      if (result.ok.algorithm !== undefined) algorithms.add(result.ok.algorithm)
    }
  }
  const used = { version: oneOrAll(versions), algorithm: oneOrAll(algorithms) }
  const counted = { count: inputs.length, inputs, ...(refused.length > 0 && { refused }) }
  const result = refused.length === 0 ? 'ok' : refused.length < results.length ? 'partial' : (refused[0]?.code ?? 'ok')
  return { ...event, subject: { space, key: id, name, ...used, ...counted }, result }
}

/** The one value there is, or the list of different ones; `undefined` for none. */
function oneOrAll<T>(values: ReadonlySet<T>): T | readonly T[] | undefined {
  const [first] = values
  return values.size > 1 ? [...values] : first
}

const codeOf = (error: unknown): string => (WarderError.is(error) ? error.code : 'internal')

/** Results in the order of the items, a bounded number of them under way. */
async function eachOf<Item, Result>(
  items: readonly Item[],
  one: (item: Item) => Promise<Result>,
): Promise<readonly BatchItem<Result>[]> {
  const results: BatchItem<Result>[] = []
  await inLanes(width, items, async (item, index) => {
    results[index] = await one(item).then(
      ok => ({ ok }),
      // The HSM words this refusal its own way; callers get one answer, wherever it was found out.
      (error: unknown) => ({ error: WarderError.is(error, 'decryption-failed') ? decryptionFailed(error) : error }),
    )
  })
  return results
}
