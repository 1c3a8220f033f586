import { WarderError } from '@warder/contract'
import { op, record, withStore } from './store.ts'

/** Run under a limit on the size of files: writes until one is refused, and tells what it saw. */
const [file = ''] = process.argv.slice(2)

await withStore(file, async store => {
  const write = async (id: string, size: number): Promise<string> => {
    try {
      await store.put(record(id, { body: new Uint8Array(size) }), 'absent', op)
      return 'done'
    } catch (error) {
      return WarderError.is(error) ? error.code : String(error)
    }
  }
  const kept: string[] = []
  let first = 'done'
  for (let n = 0; first === 'done' && n < 1000; n++) {
    first = await write(`r-${n}`, 200_000)
    if (first === 'done') kept.push(`r-${n}`)
  }
  const second = await write('small', 1)
  const found = await Promise.all(kept.map(id => store.get('things', id, op)))
  const { ok: healthy } = await store.health(op)
  process.stdout.write(JSON.stringify({ kept, first, second, healthy, read: found.filter(Boolean).length }))
})
