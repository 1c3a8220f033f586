import argon2 from 'argon2'
import { KeyedLock } from '../records/keyed-lock.ts'

/** Argon2id (RFC 9106) with the parameters OWASP names first: 19 MiB, two passes, one lane; about 35 ms. */
const parameters = { type: argon2.argon2id, memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const

/** At most two runs at once: they share libuv's threads with the journal's syncs. */
const lanes = new KeyedLock()
let turn = 0
const inLane = <T>(work: () => Promise<T>): Promise<T> => lanes.run(String(turn++ % 2), work)

/** A PHC string. */
export const hashSecret = (secret: Buffer): Promise<string> => inLane(() => argon2.hash(secret, parameters))

export const secretMatches = (hash: string, secret: Buffer): Promise<boolean> =>
  inLane(() => argon2.verify(hash, secret))
