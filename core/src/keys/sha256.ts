import { hash } from 'node:crypto'

/** In one call, without an object to feed. */
export const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')
