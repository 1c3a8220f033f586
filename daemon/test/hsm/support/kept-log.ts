import type { Log, LogFields } from '@warder/contract'

export interface KeptLog extends Log {
  readonly lines: { readonly message: string; readonly fields: LogFields }[]
}

/** A log that keeps what it is told. */
export function keepLog(): KeptLog {
  const lines: KeptLog['lines'] = []
  const keep = (message: string, fields: LogFields = {}) => void lines.push({ message, fields })
  return { lines, debug: keep, info: keep, warn: keep, error: keep }
}
