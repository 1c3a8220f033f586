import { storageConformance } from '@warder/testkit'
import { plugin } from '../src/index.ts'
import { place } from './place.ts'

describe('this storage plugin conforms:', () => {
  const killableWriter = new URL('killable-writer.ts', import.meta.url)
  for (const { name, timeout, run } of storageConformance({ plugin, place, killableWriter, volume: 1000 })) {
    it(name, run).timeout(timeout)
  }
})
