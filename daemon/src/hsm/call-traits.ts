import type { Custody, KeyAlgorithm, KeyRef, KeySpec, WrappedImport } from '@warder/contract'
import type { Need } from './known-tokens.ts'

// What a call's arguments say of where it can go, and how much work it is.

export const newest: Need = { of: 'newest' }
export const main: Need = { of: 'token', serial: undefined }

/** What the use of a key needs of a token. */
export function needOf(key: KeyRef | undefined): Need | undefined {
  if (key === undefined) return undefined
  return key.custody === 'resident' ? { of: 'token', serial: key.token } : { of: 'rootKey', rootKey: key.rootKey }
}

/** How many signatures one frame asks for. */
export const itemsIn = (args: object): number => ('inputs' in args ? (args.inputs as readonly unknown[]).length : 1)

/** Of the key that is to be made: drawn at random, so that new keys are spread over idle tokens. */
export function newIdIn(args: object): Uint8Array | undefined {
  return 'spec' in args ? Buffer.from((args.spec as KeySpec).id, 'hex') : undefined
}

/** Of the key that is to be made, or brought. */
export function custodyIn(args: object): Custody | undefined {
  if ('spec' in args) return (args.spec as KeySpec).custody
  return 'request' in args ? (args.request as WrappedImport).spec.custody : undefined
}

export function algorithmIn(args: object): KeyAlgorithm | undefined {
  return 'spec' in args ? (args.spec as KeySpec).algorithm : undefined
}
