import { maxSignAll, type SignatureAlgorithm } from '@warder/contract'
import { inLanes } from './lanes.ts'
import type { BatchItem } from './model.ts'

/** What the HSM is asked for one item of a batch. */
export interface Wanted {
  readonly algorithm: SignatureAlgorithm
  readonly version: number
  readonly digest: Uint8Array
}

/** Items of a batch that one call to the HSM can sign, by their places in the batch. */
export interface SignRun {
  readonly algorithm: SignatureAlgorithm
  readonly version: number
  readonly places: readonly number[]
  readonly digests: readonly Uint8Array[]
}

/** Bytes one call takes, but for a single item: a fraction of what fits the channel to the HSM. */
const runBytes = 131_072

/** Calls of one batch that are under way at once. */
const callsAtOnce = 4

/**
 * Signs a batch in as few calls as may be. Items that cannot be planned fail alone, before anything is signed; those of one
 * call fail together. Never rejects.
 */
export async function signInRuns<Item, Plan extends Wanted, Signed>(
  items: readonly Item[],
  planOf: (item: Item) => Plan,
  sign: (run: SignRun) => Promise<readonly Uint8Array[]>,
  signedOf: (plan: Plan, raw: Uint8Array) => Signed,
): Promise<readonly BatchItem<Signed>[]> {
  const plans = items.map(item => outcomeOf(() => planOf(item)))
  const results: BatchItem<Signed>[] = plans.map(plan => ('error' in plan ? plan : notSigned))
  await inLanes(callsAtOnce, signRuns(plans), async run => {
    try {
      const signatures = await sign(run)
      if (signatures.length !== run.places.length) throw new TypeError('not one signature for each input')
      for (const [index, place] of run.places.entries()) {
        const plan = plans[place]
        if (plan !== undefined && 'ok' in plan)
          results[place] = { ok: signedOf(plan.ok, signatures[index] as Uint8Array) }
      }
    } catch (error) {
      for (const place of run.places) results[place] = { error }
    }
  })
  return results
}

/** What stands in an item's place until its call has ended. */
const notSigned = { error: new TypeError('an item that was in no call') }

function outcomeOf<T>(work: () => T): BatchItem<T> {
  try {
    return { ok: work() }
  } catch (error) {
    return { error }
  }
}

/** Each run is of one version and one algorithm, as long as a call may be. */
function signRuns(items: readonly BatchItem<Wanted>[]): readonly SignRun[] {
  const runs: SignRun[] = []
  const open = new Map<string, { places: number[]; digests: Uint8Array[]; bytes: number }>()
  for (const [place, item] of items.entries()) {
    if ('error' in item) continue
    const { algorithm, version, digest } = item.ok
    const kind = `${version}/${algorithm}`
    let run = open.get(kind)
    if (run === undefined || run.places.length === maxSignAll || run.bytes + digest.length > runBytes) {
      run = { places: [], digests: [], bytes: 0 }
      open.set(kind, run)
      runs.push({ algorithm, version, places: run.places, digests: run.digests })
    }
    run.places.push(place)
    run.digests.push(digest)
    run.bytes += digest.length
  }
  return runs
}
