import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { readJournal } from '@warder/core'
import { readJournalDirectory } from '../journal/journal-directory.ts'

/**
 * Verifies a journal as it is on disk; the appliance may be running or not. Reads only.
 * @throws WarderError `journal-corrupt`, naming file, line and reason; `not-initialised` when there is no journal there.
 */
export async function auditVerify({ dir }: { dir: string }): Promise<void> {
  const directory = await journalBelow(dir)
  let first = ''
  let last = ''
  const { chain, tail } = await readJournal(readJournalDirectory(directory), record => {
    first ||= record.ts
    last = record.ts
  })
  if (chain.origin === undefined) throw new WarderError('not-initialised', `${directory} holds no journal.`)
  process.stdout.write(
    [
      `VERIFIED   ${chain.next} records, ${first} to ${last}`,
      `origin     ${chain.origin}`,
      `head       ${chain.head}`,
      ...(tail.bytes > 0
        ? [`tail       ${tail.bytes} bytes after the last commit: being written, or cut short and never acknowledged`]
        : []),
      'not proven that nothing was cut from the end, or all of it rewritten: that needs a signed checkpoint kept elsewhere',
      '',
    ].join('\n'),
  )
}

/** Takes the journal's own directory, a data directory or a development directory. */
async function journalBelow(dir: string): Promise<string> {
  for (const candidate of [join(dir, 'data', 'journal'), join(dir, 'journal')]) {
    if ((await stat(candidate).catch(() => undefined))?.isDirectory()) return candidate
  }
  return dir
}
