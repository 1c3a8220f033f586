import { Packr } from 'msgpackr'
import { wellFormed } from './well-formed.ts'

/** Plain MessagePack: maps, arrays, scalars, byte strings. No records, no extensions. */
const packr = new Packr({ useRecords: false, moreTypes: false, variableMapSize: true, encodeUndefinedAsNil: true })

/** The bytes are this caller's, to wipe when done with. */
export function encode(message: object): Buffer {
  return packr.pack(message)
}

/**
 * Plain data, not yet trusted in any way; byte strings are views of `payload`. `undefined` for whatever is not exactly one
 * well-formed value: never throws, whatever the bytes.
 */
export function decode(payload: Uint8Array): unknown {
  if (!wellFormed(payload)) return undefined
  try {
    return packr.unpack(payload) ?? undefined
  } catch {
    // a map whose keys are no strings
    return undefined
  }
}
