/** A figure over rounds: its median, and an interval that has the median of all rounds there could be in it. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/**
 * The median, and the narrowest pair of order statistics around it that holds the true median with 95% confidence
 * (by the sign test). So few rounds that no pair does give the least and the greatest: five or fewer are such.
 * @throws TypeError for no values, or for one that is not a number.
 */
export function estimate(values: readonly number[]): Estimate {
  if (values.length === 0 || !values.every(Number.isFinite)) throw new TypeError('an estimate is made of numbers')
  const sorted = [...values].sort((a, b) => a - b)
  const skip = skippedEachSide(sorted.length)
  return { value: quantile(sorted, 0.5), low: at(sorted, skip), high: at(sorted, sorted.length - 1 - skip) }
}

/** Of sorted values, with linear interpolation; 0 of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return 0
  const place = q * (sorted.length - 1)
  const below = Math.floor(place)
  const low = sorted[below] as number
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return low + (high - low) * (place - below)
}

/**
 * The order of a round: every subject once. Odd rounds run backwards, so that a machine that gets slower or faster
 * during a round favours nobody.
 */
export function orderOf<Subject>(subjects: readonly Subject[], round: number): readonly Subject[] {
  return round % 2 === 0 ? subjects : [...subjects].reverse()
}

/** How many of the least and of the greatest of `count` values may be left out at 95%. */
function skippedEachSide(count: number): number {
  let outside = 0
  let probability = 0.5 ** count
  for (let skip = 0; skip < count / 2; skip++) {
    outside += 2 * probability
    if (outside > 0.05) return Math.max(0, skip - 1)
    probability *= (count - skip) / (skip + 1)
  }
  return 0
}

function at(sorted: readonly number[], index: number): number {
  return sorted[index] as number
}
