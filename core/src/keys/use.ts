import { type KeyUsage, type Op, WarderError } from '@warder/contract'
import type { EventDraft } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import { type Call, onBehalfOf, type Permission } from '../call.ts'
import { eventOf } from '../policy/authorize.ts'
import type { KeyRecord } from './collection.ts'
import { type Keyring, requireUsage } from './keyring.ts'
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
  one(key: KeyRecord, item: Item, op: Op): Promise<Result>
  /** The items of a batch, where that takes less than each alone. Never rejects; answers in the order of the items. */
  all?(key: KeyRecord, items: readonly Item[], op: Op): Promise<readonly BatchItem<Result>[]>
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
    const key = await this.#enter(use, target)
    const { call, space } = target
    const outcome = await outcomeOf(use.one(key, item, onBehalfOf(call, space)))
    if (use.digestOf !== undefined && isUse(outcome)) {
      await this.#journal.append(draftOfOne(use.action, key, use.digestOf(item), outcome, call))
    }
    if ('error' in outcome) throw outcome.error
    return outcome.ok
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
    const key = await this.#enter(use, target)
    const { call, space } = target
    const within = onBehalfOf(call, space)
    const outcomes =
      use.all === undefined
        ? await eachOf(items, item => use.one(key, item, within))
        : await use.all(key, items, within)
    if (use.digestOf !== undefined && outcomes.some(isUse)) {
      await this.#journal.append(draftOfAll(use.action, key, items.map(use.digestOf), outcomes, call))
    }
    return outcomes
  }

  async #enter(
    { permission, action, usage }: Pick<Use<never, Used>, 'permission' | 'action' | 'usage'>,
    { call, space, name }: Target,
  ): Promise<KeyRecord> {
    await this.#keyring.enter(call, space, permission, action)
    const key = await this.#keyring.findToUse(space, name, call)
    requireUsage(key, usage)
    return key
  }
}

const isUse = (outcome: BatchItem<unknown>): boolean =>
  !('error' in outcome) || !WarderError.is(outcome.error, ...formRefusals)

function draftOfOne(
  action: string,
  { space, id, name }: KeyRecord,
  input: Uint8Array,
  outcome: BatchItem<Used>,
  call: Call,
): EventDraft {
  const { version, algorithm }: Partial<Used> = 'error' in outcome ? {} : outcome.ok
  const subject = { algorithm, input, key: id, name, space, version }
  const result = 'error' in outcome ? codeOf(outcome.error) : 'ok'
  return useOf(call, action, subject, result)
}

function draftOfAll(
  action: string,
  { space, id, name }: KeyRecord,
  inputs: readonly Uint8Array[],
  outcomes: readonly BatchItem<Used>[],
  call: Call,
): EventDraft {
  const versions = new Set<number>()
  const algorithms = new Set<string>()
  const refused: { index: number; code: string }[] = []
  for (const [index, outcome] of outcomes.entries()) {
    if ('error' in outcome) refused.push({ index, code: codeOf(outcome.error) })
    else {
      versions.add(outcome.ok.version)
      if (outcome.ok.algorithm !== undefined) algorithms.add(outcome.ok.algorithm)
    }
  }
  const used = { version: oneOrAll(versions), algorithm: oneOrAll(algorithms) }
  const counted = { count: inputs.length, inputs, ...(refused.length > 0 && { refused }) }
  const result = refused.length === 0 ? 'ok' : refused.length < outcomes.length ? 'partial' : (refused[0]?.code ?? 'ok')
  const subject = { space, key: id, name, ...used, ...counted }
  return useOf(call, action, subject, result)
}

/** Each member by itself: to spread an object and add to it takes V8 longer than all else that is done for a record here. */
function useOf(call: Call, action: string, subject: EventDraft['subject'], result: string): EventDraft {
  const { correlation, actor, authn } = eventOf(call)
  return { type: 'key-use', action, correlation, actor, authn, subject, result }
}

/** The one value there is, or the list of different ones; `undefined` for none. */
function oneOrAll<T>(values: ReadonlySet<T>): T | readonly T[] | undefined {
  const [first] = values
  return values.size > 1 ? [...values] : first
}

const codeOf = (error: unknown): string => (WarderError.is(error) ? error.code : 'internal')

async function outcomeOf<Result>(one: Promise<Result>): Promise<BatchItem<Result>> {
  try {
    return { ok: await one }
  } catch (error) {
    // The HSM words this refusal its own way; callers get one answer, wherever it was found out.
    return { error: WarderError.is(error, 'decryption-failed') ? decryptionFailed(error) : error }
  }
}

/** Results in the order of the items, a bounded number of them under way. */
async function eachOf<Item, Result>(
  items: readonly Item[],
  one: (item: Item) => Promise<Result>,
): Promise<readonly BatchItem<Result>[]> {
  const outcomes: BatchItem<Result>[] = []
  await inLanes(width, items, async (item, index) => {
    outcomes[index] = await outcomeOf(one(item))
  })
  return outcomes
}
