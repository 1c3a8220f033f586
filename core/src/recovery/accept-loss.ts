import type { Op, Store } from '@warder/contract'
import { HeadIndex } from '../records/head-index.ts'
import { openSealed } from '../records/open-sealed.ts'
import { digestOf, type SealingKeys } from '../records/seal.ts'
import { isPassing } from './collections.ts'
import { compareStore, type Difference } from './compare.ts'
import type { JournalHeads } from './heads.ts'

/** A record that is not as the verified part of the journal left it. */
export interface Doubtful {
  readonly collection: string
  readonly id: string
  readonly found: Difference | 'not-genuine'
  /** Whether it is taken as it is in storage. One that is not is refused whenever it is used. */
  readonly adopted: boolean
}

/**
 * What to hold storage to when the end of its journal is lost. A record is taken as storage has it when this appliance
 * sealed it and nothing verified speaks against it; what the verified part proves to be older, changed or missing keeps the
 * head that it has, so that using it fails as before.
 */
export async function judgeStorage(
  store: Store,
  journal: Pick<JournalHeads, 'heads' | 'pending'>,
  keys: SealingKeys,
  op: Op,
): Promise<{ readonly heads: HeadIndex; readonly doubtful: readonly Doubtful[] }> {
  const heads = new HeadIndex()
  const doubtful: Doubtful[] = []
  for await (const { collection, id, found, stored } of compareStore(store, journal, op)) {
    const before = journal.heads.get(collection, id)
    const genuine = stored !== undefined && opens(keys, { collection, id }, stored)
    const contradicted = (found === 'older' || found === 'changed' || found === 'missing') && !isPassing(collection)
    const adopted = genuine && !contradicted
    const verdict = stored !== undefined && !genuine ? 'not-genuine' : found
    if (verdict !== 'same') doubtful.push({ collection, id, found: verdict, adopted })
    if (adopted) heads.set(collection, id, { revision: stored.revision, digest: digestOf(stored.body) })
    else if (before?.digest != null && !(found === 'missing' && isPassing(collection)))
      heads.set(collection, id, before)
  }
  return { heads, doubtful }
}

function opens(
  keys: SealingKeys,
  at: { readonly collection: string; readonly id: string },
  stored: Parameters<typeof openSealed>[2],
): boolean {
  try {
    openSealed(keys, at, stored)
    return true
  } catch {
    return false
  }
}
