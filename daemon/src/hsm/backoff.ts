/** `first`, doubled for each failure before this one, at most `most`. Milliseconds. */
export function backoffMs(failures: number, first: number, most: number): number {
  return Math.min(first * 2 ** Math.min(failures, 30), most)
}
