import { hsmConformance } from '@warder/testkit'
import { referenceBackup, referenceHsm, type ReferenceConfig } from './support/reference-hsm.ts'
import { ReferenceToken } from './support/reference-token.ts'

const lacking = (...without: string[]) => ({
  plugin: referenceHsm,
  backup: referenceBackup,
  place: async () => ({
    config: { token: new ReferenceToken(), without } satisfies ReferenceConfig,
    remove: async () => {},
  }),
})

describe('the reference HSM conforms:', () => {
  for (const { name, timeout, run } of hsmConformance(lacking())) it(name, run).timeout(timeout)
})

describe('a reference HSM that lacks much conforms:', () => {
  const subject = lacking(
    'RSA-3072',
    'RSA-4096',
    'Ed25519',
    'EdDSA',
    'P-521',
    'ES512',
    'PS384',
    'derive',
    'HMAC-SHA-384',
    'RSA-OAEP',
    'A256GCM',
  )
  for (const { name, timeout, run } of hsmConformance(subject)) it(name, run).timeout(timeout)
})

describe('a reference HSM that cannot seal conforms:', () => {
  const subject = {
    ...lacking('sealed', 'RSA-3072', 'RSA-4096', 'wrap', 'mac'),
    plugin: { ...referenceHsm, supports: { resident: true, sealed: false } },
  }
  for (const { name, timeout, run } of hsmConformance(subject)) it(name, run).timeout(timeout)
})
