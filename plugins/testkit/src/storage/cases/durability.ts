import assert from 'node:assert/strict'
import type { Store } from '@warder/contract'
import { AcknowledgingWriter } from '../acknowledging-writer.ts'
import { bodyOf, isDeletedInTheEnd, lastRevision } from '../drill.ts'
import { assertRefused, idsOf, op, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

const kills = 10

/** What another process acknowledged before SIGKILL is there. Only for stores that outlive their process. */
export function durabilityCases<Config>(bench: Bench<Config>): CaseTable {
  const { killableWriter, plugin } = bench.subject
  if (!killableWriter) return {}
  return {
    [`every acknowledged write survives SIGKILL, ${kills} times at random moments`]: () =>
      bench.withPlace(async place => {
        const acknowledged = new Map<string, number>()
        for (let round = 0; round < kills; round++) {
          const writer = new AcknowledgingWriter(killableWriter, place.config, `round-${round}`)
          try {
            await writer.acknowledges(1 + Math.floor(Math.random() * 300))
          } finally {
            await writer.kill()
          }
          for (const [id, revision] of writer.acknowledged) acknowledged.set(id, revision)
          await bench.withStore(place, store => assertAllThere(store, acknowledged))
        }
        assert.ok(acknowledged.size > 0)
      }),

    'while another process has it open, a second opener is safe or refused; after SIGKILL it opens': () =>
      bench.withPlace(async place => {
        const writer = new AcknowledgingWriter(killableWriter, place.config, 'other')
        try {
          await writer.acknowledges(1)
          if (plugin.supports.shared) await bench.withStore(place, async store => assertReadable(store))
          else await assertRefused(bench.open(place), 'storage-unavailable')
        } finally {
          await writer.kill()
        }
        await bench.withStore(place, store => assertAllThere(store, writer.acknowledged))
      }),
  }
}

/** A revision of 0 stands for an acknowledged delete. The next write of a record may have been made, unacknowledged. */
async function assertAllThere(store: Store, acknowledged: ReadonlyMap<string, number>): Promise<void> {
  const listed = new Set(await idsOf(store, { limit: 1000, collection: 'drill' }))
  for (const [id, revision] of acknowledged) {
    const found = await store.get('drill', id, op)
    assert.equal(listed.has(id), found !== undefined, `${id}: get and query disagree`)
    if (revision === 0) {
      assert.equal(found, undefined, `${id} was deleted and is back`)
      continue
    }
    // its delete may have been made and not acknowledged
    if (found === undefined && revision === lastRevision && isDeletedInTheEnd(id)) continue
    assert.ok(found, `${id} was acknowledged at revision ${revision} and is lost`)
    assert.ok(found.revision === revision || found.revision === revision + 1, `${id} is at revision ${found.revision}`)
    assert.deepEqual(Buffer.from(found.body), Buffer.from(bodyOf(id, found.revision)), `${id} has another body`)
  }
}

async function assertReadable(store: Store): Promise<void> {
  assert.ok((await idsOf(store, { limit: 1000, collection: 'drill' })).length > 0)
}
