import type { StoragePlugin, Store } from '@warder/contract'
import { patientOp, quietHost } from '../host.ts'
import { bodyOf, isDeletedInTheEnd, lastRevision } from './drill.ts'

/**
 * The work of a process that is there to be killed: sixteen lanes make records, change them and delete every second one.
 * A line `<id> <revision>` (revision 0 for a delete) is printed once the store has acknowledged the write, never before.
 * The place and a prefix for ids come as arguments from the suite.
 */
export async function writeUntilKilled<Config>(plugin: StoragePlugin<Config>): Promise<never> {
  const [config = 'null', prefix = ''] = process.argv.slice(2)
  const store = await plugin.open(JSON.parse(config) as Config, quietHost(), patientOp())
  return Promise.race(Array.from({ length: 16 }, (_, lane) => write(store, `${prefix}-${lane}`)))
}

async function write(store: Store, lane: string): Promise<never> {
  const op = patientOp()
  for (let n = 0; ; n++) {
    const id = `${lane}-${n}`
    for (let revision = 1; revision <= lastRevision; revision++) {
      const record = { collection: 'drill', id, revision, attributes: { lane, n }, body: bodyOf(id, revision) }
      await store.put(record, revision === 1 ? 'absent' : revision - 1, op)
      acknowledge(id, revision)
    }
    if (!isDeletedInTheEnd(id)) continue
    await store.delete('drill', id, lastRevision, op)
    acknowledge(id, 0)
  }
}

function acknowledge(id: string, revision: number): void {
  process.stdout.write(`${id} ${revision}\n`)
}
