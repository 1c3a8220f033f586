import type { JournalRecord } from '@warder/core'

/** The records of a journal's text, without its commit lines. */
export function recordsOf(journal: string): JournalRecord[] {
  return journal
    .split('\n')
    .filter(line => /^[0-9a-f]{64} \{/.test(line))
    .map(line => JSON.parse(line.slice(65)) as JournalRecord)
}
