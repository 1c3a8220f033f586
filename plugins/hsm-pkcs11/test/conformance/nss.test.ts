import { hsmConformance } from '@warder/testkit'
import { plugin } from '../../src/plugin.ts'
import { createNssToken } from './nss-token.ts'

describe('NSS softokn conforms:', () => {
  for (const { name, timeout, run } of hsmConformance({ plugin, place: createNssToken })) it(name, run).timeout(timeout)
})
