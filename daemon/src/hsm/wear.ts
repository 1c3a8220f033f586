import type { SupervisorConfig } from './config.ts'

/** Whether a host has served long enough. */
export function isWorn(
  { calls, grownMiB }: { readonly calls: number; readonly grownMiB: number },
  { recycleCalls = 0, recycleRssMiB = 0 }: Pick<SupervisorConfig, 'recycleCalls' | 'recycleRssMiB'>,
): boolean {
  return (recycleCalls > 0 && calls >= recycleCalls) || (recycleRssMiB > 0 && grownMiB >= recycleRssMiB)
}
