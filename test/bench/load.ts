import { quantile } from './rounds.ts'

/** What a closed loop saw: each of its lanes asks, waits for the answer, and asks again. */
export interface Load {
  readonly operations: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that were refusals; they are no operations and have no time. */
  readonly refused: number
}

/** Runs `one` in `concurrency` lanes for `ms`. What is under way at the end is awaited and counted, and so is its time. */
export async function load(
  options: { readonly concurrency: number; readonly ms: number },
  one: (lane: number) => Promise<boolean>,
): Promise<Load> {
  const times: number[] = []
  let refused = 0
  const began = performance.now()
  const end = began + options.ms
  const lane = async (index: number): Promise<void> => {
    for (let asked = performance.now(); asked < end; asked = performance.now()) {
      if (await one(index)) times.push(performance.now() - asked)
      else refused++
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, (_, index) => lane(index)))
  return summarise(times, (performance.now() - began) / 1000, refused)
}

/** The same for what does not wait: one lane that never yields. */
export function loadInline(ms: number, one: () => void): Load {
  const times: number[] = []
  const began = performance.now()
  const end = began + ms
  let asked = began
  while (asked < end) {
    one()
    const answered = performance.now()
    times.push(answered - asked)
    asked = answered
  }
  return summarise(times, (asked - began) / 1000, 0)
}

function summarise(times: readonly number[], seconds: number, refused: number): Load {
  const sorted = Float64Array.from(times).sort()
  return {
    operations: sorted.length,
    seconds,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    refused,
  }
}
