import { storageConformance } from '@warder/testkit'
import { plugin, remotePlace } from './remote-storage.ts'

describe('the reference of a networked store', () => {
  const killableWriter = new URL('remote-writer.ts', import.meta.url)
  const subject = { plugin, place: remotePlace, networkPlace: remotePlace, killableWriter }
  for (const { name, timeout, run } of storageConformance(subject)) it(name, run).timeout(timeout)
})
