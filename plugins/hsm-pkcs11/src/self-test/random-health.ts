/**
 * The health tests of NIST SP 800-90B section 4.4, over bytes. What a token gives out is conditioned, so that full entropy is
 * expected of it: H = 8 bits to a byte. alpha = 2^-40: one good generator in a million million fails a test.
 */
const entropyBits = 8
const alphaBits = 40
/** Samples to a window of the adaptive proportion test, for sources that are not binary. */
export const windowSize = 512

/** How often one value may come in a row: section 4.4.1, C = 1 + ceil(-log2(alpha) / H). */
export const repetitionCutoff = 1 + Math.ceil(alphaBits / entropyBits)

/** How often the first value of a window may come in it: section 4.4.2, C = 1 + critbinom(W, 2^-H, 1 - alpha). */
export const proportionCutoff = 1 + criticalBinomial(windowSize, 2 ** -entropyBits, 2 ** -alphaBits)

/** What is wrong with a sample; `undefined` when both tests pass. */
export function randomFault(sample: Uint8Array): string | undefined {
  return repetitionFault(sample) ?? proportionFault(sample)
}

function repetitionFault(sample: Uint8Array): string | undefined {
  let run = 0
  for (const [index, byte] of sample.entries()) {
    run = index > 0 && byte === sample[index - 1] ? run + 1 : 1
    if (run >= repetitionCutoff) return `one byte came ${run} times in a row (repetition count test)`
  }
  return undefined
}

function proportionFault(sample: Uint8Array): string | undefined {
  for (let from = 0; from + windowSize <= sample.length; from += windowSize) {
    const window = sample.subarray(from, from + windowSize)
    const count = window.reduce((sum, byte) => (byte === window[0] ? sum + 1 : sum), 0)
    if (count >= proportionCutoff) {
      return `one byte came ${count} times in ${windowSize} (adaptive proportion test)`
    }
  }
  return undefined
}

/** The least k of which Binomial(trials, p) is at most k, but for a probability of `alpha`. */
function criticalBinomial(trials: number, p: number, alpha: number): number {
  const probabilities = [(1 - p) ** trials]
  for (let k = 1; k <= trials; k++) {
    probabilities.push(((probabilities[k - 1] ?? 0) * ((trials - k + 1) * p)) / (k * (1 - p)))
  }
  let above = 0
  let k = trials
  // summed from the small end, where nothing is lost to rounding
  while (k > 0 && above + (probabilities[k] ?? 0) <= alpha) above += probabilities[k--] ?? 0
  return k
}
