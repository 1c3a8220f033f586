import { WarderError } from '@warder/contract'

export interface JsonBounds {
  /** Objects and lists inside one another. */
  readonly depth: number
  /** Members of all objects together. */
  readonly keys: number
  /** Members and list entries together. */
  readonly values: number
  /** Bytes of one member's name as written. */
  readonly nameBytes: number
}

export const jsonBounds: JsonBounds = { depth: 32, keys: 1000, values: 10_000, nameBytes: 256 }

/** A batch of 1,000 items has at most 6 members in each, and one around them. */
export const batchJsonBounds: JsonBounds = { ...jsonBounds, keys: 6001 }

const quote = 0x22
const backslash = 0x5c

/**
 * One pass over JSON text before anything is built from it: a million keys would block the event loop for a second. It
 * judges size only; text that is not JSON is left for the parser to refuse.
 * @throws WarderError `too-complex`
 */
export function checkJsonBounds(text: Uint8Array, bounds: JsonBounds): void {
  let depth = 0
  let keys = 0
  let values = 0
  let stringBytes = 0
  for (let at = 0; at < text.length; at++) {
    switch (text[at] ?? 0) {
      case quote: {
        const start = at
        for (at++; at < text.length && text[at] !== quote; at++) if (text[at] === backslash) at++
        stringBytes = at - start - 1
        break
      }
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > bounds.depth) throw tooComplex(`nested at most ${bounds.depth} deep`)
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
        break
      case 0x3a: // :
        if (stringBytes > bounds.nameBytes) throw tooComplex(`made of names of at most ${bounds.nameBytes} bytes`)
        if (++keys > bounds.keys) throw tooComplex(`of at most ${bounds.keys} members`)
        break
      case 0x2c: // ,
        if (++values >= bounds.values) throw tooComplex(`of at most ${bounds.values} values`)
        break
    }
  }
}

function tooComplex(limit: string): WarderError {
  return new WarderError('too-complex', `the body must be ${limit}`)
}
