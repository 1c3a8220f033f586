import { availableParallelism } from 'node:os'

/** A host that can take a call now. */
export interface Candidate {
  readonly index: number
  /** Calls it has not answered. */
  readonly load: number
  /** Has answered lately, or has nothing to answer. */
  readonly answering: boolean
}

/** How many more calls the preferred host may have than the idlest one. */
const tolerance = 8

/**
 * Whether the hosts of one token have fewer processors than they are with the process that asks them. Then they work one
 * after another all the same, and each change from one process to the next costs what the processor's caches held.
 */
export function staysTogether(hosts: number, tokens: number, processors = availableParallelism()): boolean {
  return tokens === 1 && processors <= hosts
}

/**
 * The host for a call. A sealed key prefers the host that a hash of its blob picks, which has it unwrapped already; where
 * calls are to stay together, any other call prefers the first host. It gets the call unless it is busy: where calls
 * are spread, busier by more than eight calls than the host with the fewest; where they stay together, with a `window` full
 * of them, or with something it does not get done. Then, and where nothing is preferred, the call goes to the host with the fewest in flight, the first of equals.
 * `undefined` when there is none.
 */
export function route<C extends Candidate>(
  candidates: readonly C[],
  blob?: Uint8Array,
  window?: number,
): C | undefined {
  let idlest: C | undefined
  let preferred: C | undefined = window === undefined ? undefined : candidates[0]
  let best = -1
  const hash = blob === undefined ? 0 : hashOf(blob)
  for (const candidate of candidates) {
    if (idlest === undefined || candidate.load < idlest.load) idlest = candidate
    if (blob === undefined) continue
    // rendezvous: each host has a weight for each key, so the loss of one host moves only the keys it had
    const weight = mix(hash ^ Math.imul(candidate.index + 1, 0x9e3779b1))
    if (weight > best) {
      best = weight
      preferred = candidate
    }
  }
  if (idlest === undefined || preferred === undefined) return idlest
  if (window === undefined) return preferred.load <= idlest.load + tolerance ? preferred : idlest
  return preferred.load < window && preferred.answering ? preferred : idlest
}

/** A blob is ciphertext, so any of its bytes are as good as random; its first are enough. */
function hashOf(blob: Uint8Array): number {
  let hash = 0
  for (let i = 0; i < 4 && i < blob.length; i++) hash = (hash << 8) | blob[i]!
  return hash
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
