import {
  keyAlgorithms,
  keyUsages,
  oaepAlgorithms,
  signatureAlgorithms,
  type HsmPlugin,
  type StandardSchema,
  type TokenCapabilities,
} from '@warder/contract'
import type { HsmBackupPlaces } from '../../../src/hsm/subject.ts'
import { ReferenceProvider } from './reference-provider.ts'
import { restoreTo } from './reference-restore.ts'
import { ReferenceToken } from './reference-token.ts'
import { cancelled } from './turns.ts'

export interface ReferenceConfig {
  readonly token: ReferenceToken
  /** What this token is to lack: algorithms, usages or custodies. */
  readonly without?: readonly string[]
}

const config: StandardSchema<ReferenceConfig> = {
  '~standard': {
    version: 1,
    vendor: 'warder',
    validate: value => {
      if (typeof value !== 'object' || value === null) return { issues: [{ message: 'must be an object' }] }
      const { token, without = [], ...rest } = value as Partial<ReferenceConfig>
      if (!(token instanceof ReferenceToken)) return { issues: [{ message: 'must be a token', path: ['token'] }] }
      const [unknown] = Object.keys(rest)
      if (unknown !== undefined) return { issues: [{ message: 'unknown key', path: [unknown] }] }
      return { value: { token, without } }
    },
  },
}

/** Test-only reference: what the suite must pass. */
export const referenceHsm: HsmPlugin<ReferenceConfig> = {
  kind: 'hsm',
  name: 'reference',
  version: '1.0.0',
  contract: 1,
  supports: { resident: true, sealed: true },
  config,
  open: async ({ token, without = [] }, _host, { signal }) => {
    if (signal.aborted) throw cancelled(signal)
    return new ReferenceProvider(token, capabilities(token, without))
  },
  restore: async ({ token }, _files, { keys, recipientKey }) => restoreTo(token, keys, recipientKey),
}

/** Where it shows how root keys come back. */
export const referenceBackup: HsmBackupPlaces<ReferenceConfig> = {
  placeFor: async recipient => ({ config: { token: new ReferenceToken(recipient) }, remove: async () => {} }),
  emptyPlace: async recipient => ({
    config: { token: new ReferenceToken(recipient, 'empty') },
    files: { credentialsDir: '' },
    remove: async () => {},
  }),
}

function capabilities(token: ReferenceToken, without: readonly string[]): TokenCapabilities {
  const here = <T extends string>(all: readonly T[]): readonly T[] => all.filter(each => !without.includes(each))
  const algorithms = here(keyAlgorithms)
  return {
    token: { label: 'reference', serial: token.serial, manufacturer: 'warder', model: 'memory', firmware: '1.0' },
    generate: {
      resident: without.includes('resident') ? [] : algorithms,
      sealed: without.includes('sealed') ? [] : algorithms.filter(each => !without.includes(`sealed ${each}`)),
    },
    usages: here(keyUsages),
    sign: here(signatureAlgorithms),
    encrypt: here(['A256GCM', ...oaepAlgorithms] as const),
    mechanisms: [],
  }
}
