import type { Rotation } from './model.ts'

/** In milliseconds. */
export const day = 86_400_000

export function schedule(everyDays: number | null, from: Date): Rotation {
  return { everyDays, nextAt: everyDays === null ? null : new Date(from.getTime() + everyDays * day).toISOString() }
}
