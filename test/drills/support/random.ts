/** Numbers in [0, 1) that a seed repeats (mulberry32), so that a failed drill can be run again as it was. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of this run: from WARDER_DRILL_SEED, else a new one. */
export function drillSeed(): number {
  const given = process.env['WARDER_DRILL_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given)
}
