import { isDeepStrictEqual } from 'node:util'
import { isTable } from '../config/merge.ts'

/** The dotted names of what differs between two configurations, down to where both still have tables. */
export function changedFields(before: unknown, after: unknown, at = ''): string[] {
  if (!isTable(before) || !isTable(after)) return isDeepStrictEqual(before, after) ? [] : [at]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap(key => changedFields(before[key], after[key], at === '' ? key : `${at}.${key}`))
}

/** Whether a change takes effect at a reload; every other one waits for a restart. */
export function takesEffectLive(field: string): boolean {
  return field === 'log.level' || field === 'tls.certificate' || field === 'tls.key'
}
