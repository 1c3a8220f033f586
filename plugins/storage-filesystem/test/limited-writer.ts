import { readdir } from 'node:fs/promises'
import { WarderError } from '@warder/contract'
import { op, record, withStore } from './store.ts'

/** Run under a limit on the size of files: writes one that is too large between others, and tells what it saw. */
const [directory = ''] = process.argv.slice(2)

await withStore(directory, async store => {
  const write = async (id: string, size: number): Promise<string> => {
    try {
      await store.put(record(id, { body: new Uint8Array(size) }), 'absent', op)
      return 'done'
    } catch (error) {
      return WarderError.is(error) ? error.code : String(error)
    }
  }
  const outcomes = [await write('before', 1000), await write('large', 1_000_000), await write('after', 1000)]
  const there = await Promise.all(['before', 'large', 'after'].map(id => store.get('things', id, op)))
  const names = await readdir(directory, { recursive: true })
  const { ok: healthy } = await store.health(op)
  const leftovers = names.filter(name => name.includes('.new-')).length
  process.stdout.write(JSON.stringify({ outcomes, there: there.map(Boolean), leftovers, healthy }))
})
