import { plugin } from '@warder/storage-filesystem'
import { storageConformance } from '@warder/testkit'
import { scratch } from './scratch.ts'

describe('filesystem storage conforms:', () => {
  const killableWriter = new URL('killable-writer.ts', import.meta.url)
  const place = async () => {
    const { directory, remove } = await scratch()
    return { config: { directory }, remove }
  }
  for (const { name, timeout, run } of storageConformance({ plugin, place, killableWriter })) {
    it(name, run).timeout(timeout)
  }
})
