import type { JournalRecord } from '@warder/core'

/** The records of a journal's text, without its commit lines and what of the last line is still being written. */
export function recordsOf(journal: string): JournalRecord[] {
  return journal
    .slice(0, journal.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(line => /^[0-9a-f]{64} \{/.test(line))
    .map(line => JSON.parse(line.slice(65)) as JournalRecord)
}
