import type { JournalRecord } from '@warder/core'

export interface Filter {
  /** Name or id. */
  readonly key?: string | undefined
  readonly actor?: string | undefined
  readonly requestId?: string | undefined
  readonly since?: Date | undefined
}

export function fits(record: JournalRecord, { key, actor, requestId, since }: Filter): boolean {
  const { name, key: id } = record.subject
  return (
    (key === undefined || name === key || id === key) &&
    (actor === undefined || record.actor === actor) &&
    (requestId === undefined || record.correlation === requestId) &&
    (since === undefined || Date.parse(record.ts) >= since.getTime())
  )
}
