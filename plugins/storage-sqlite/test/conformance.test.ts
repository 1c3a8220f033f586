import { plugin } from '@warder/storage-sqlite'
import { storageConformance } from '@warder/testkit'
import { scratch } from './scratch.ts'

describe('SQLite storage conforms:', () => {
  const killableWriter = new URL('killable-writer.ts', import.meta.url)
  const place = async () => {
    const { file, remove } = await scratch()
    return { config: { file }, remove }
  }
  for (const { name, timeout, run } of storageConformance({ plugin, place, killableWriter })) {
    it(name, run).timeout(timeout)
  }
})
