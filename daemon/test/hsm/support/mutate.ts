/** Numbers below one, the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A copy of `bytes` with a few of them changed, cut out, repeated or added. Often the length prefix is left true. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit)
  let mutant = Buffer.from(bytes)
  const from = random() < 0.8 ? 4 : 0
  for (let n = below(4); n >= 0; n--) {
    const at = from + below(mutant.length - from)
    switch (below(4)) {
      case 0:
        mutant[at] = below(256)
        break
      case 1:
        mutant[at] = mutant[at]! ^ (1 << below(8))
        break
      case 2:
        mutant = Buffer.concat([mutant.subarray(0, at), mutant.subarray(Math.min(at + below(5), mutant.length))])
        break
      default:
        mutant = Buffer.concat([mutant.subarray(0, at), mutant.subarray(from, from + below(9)), mutant.subarray(at)])
    }
  }
  if (from === 4 && mutant.length >= 4) mutant.writeUInt32BE(mutant.length - 4)
  return mutant
}
