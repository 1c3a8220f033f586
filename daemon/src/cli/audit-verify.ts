import { WarderError } from '@warder/contract'
import { readJournal } from '@warder/core'
import { journalBelow } from './journal-below.ts'
import { withJournalProgress } from './journal-progress.ts'
import { type Format, printData } from './print.ts'

/**
 * Verifies a journal as it is on disk; the appliance may be running or not. Reads only.
 * @throws WarderError `journal-corrupt`, naming file, line and reason; `not-initialised` when there is no journal there.
 */
export async function auditVerify({ dir, format }: { dir: string; format: Format }): Promise<void> {
  const directory = await journalBelow(dir)
  let first = ''
  let last = ''
  const { chain, tail } = await withJournalProgress(directory, format, files =>
    readJournal(files, record => {
      first ||= record.ts
      last = record.ts
    }),
  )
  if (chain.origin === undefined) throw new WarderError('not-initialised', `${directory} holds no journal.`)
  if (format !== 'table') {
    const { origin, head, next: records } = chain
    return printData(format, { verified: true, records, first, last, origin, head, uncommittedBytes: tail.bytes })
  }
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
