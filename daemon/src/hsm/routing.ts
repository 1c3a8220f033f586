/** A host that can take a call now. */
export interface Candidate {
  readonly index: number
  /** Calls it has not answered. */
  readonly load: number
}

/** How many more calls the preferred host may have than the idlest one. */
const tolerance = 8

/**
 * The host for a call: the one with the fewest calls in flight, the first of equals. A sealed key prefers the host that
 * a hash of its blob picks, which has it unwrapped already, unless that host is busier by more than eight calls.
 * `undefined` when there is none.
 */
export function route<C extends Candidate>(candidates: readonly C[], blob?: Uint8Array): C | undefined {
  let idlest: C | undefined
  let preferred: C | undefined
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
  return preferred.load <= idlest.load + tolerance ? preferred : idlest
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
