import type { StoragePlugin } from '@warder/contract'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { MemoryMedium, memoryStorage } from '@warder/testkit'

/** Keeps its file only when it is closed, as a store without a sync does in the eyes of a killed process. */
export const plugin: StoragePlugin<{ file: string }> = {
  ...memoryStorage,
  reaches: () => [],
  config: { '~standard': { version: 1, vendor: 'test', validate: value => ({ value: value as { file: string } }) } },
  open: async ({ file }, host, op) => {
    const medium = new MemoryMedium()
    const ids = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : []
    for (const id of ids) medium.set({ collection: 'drill', id, revision: 1, attributes: {}, body: new Uint8Array() })
    const store = await memoryStorage.open({ medium }, host, op)
    const close = store[Symbol.asyncDispose].bind(store)
    store[Symbol.asyncDispose] = async () => {
      writeFileSync(file, JSON.stringify(medium.ids('drill')))
      await close()
    }
    return store
  },
}
