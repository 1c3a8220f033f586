import { WarderError } from '@warder/contract'
import { type JournalRecord, readJournal } from '@warder/core'
import { type Predecessor, verifyPredecessors } from '../recovery/predecessors.ts'
import { journalBelow } from './journal-below.ts'
import { withJournalProgress } from './journal-progress.ts'
import { type Format, printData } from './print.ts'

/**
 * Verifies a journal as it is on disk; the appliance may be running or not. Reads only.
 * @throws WarderError `journal-corrupt`, naming file, line and reason; `not-initialised` when there is no journal there.
 */
export async function auditVerify({ dir, format }: { dir: string; format: Format }): Promise<void> {
  const directory = await journalBelow(dir)
  let genesis: JournalRecord | undefined
  let last = ''
  const { chain, tail } = await withJournalProgress(directory, format, files =>
    readJournal(files, record => {
      genesis ??= record
      last = record.ts
    }),
  )
  if (genesis === undefined || chain.origin === undefined)
    throw new WarderError('not-initialised', `${directory} holds no journal.`)
  const first = genesis.ts
  const previous = await verifyPredecessors(directory, genesis)
  if (format !== 'table') {
    const { origin, head, next: records } = chain
    const uncommittedBytes = tail.bytes
    return printData(format, { verified: true, records, first, last, origin, head, uncommittedBytes, previous })
  }
  process.stdout.write(
    [
      `VERIFIED   ${chain.next} records, ${first} to ${last}`,
      `origin     ${chain.origin}`,
      `head       ${chain.head}`,
      ...(tail.bytes > 0
        ? [`tail       ${tail.bytes} bytes after the last commit: being written, or cut short and never acknowledged`]
        : []),
      ...previous.map(({ origin, seq, status }) => `follows    ${origin}, record ${seq}: ${said[status]}`),
      'not proven that nothing was cut from the end, or all of it rewritten: that needs a signed checkpoint kept elsewhere',
      '',
    ].join('\n'),
  )
}

const said: Readonly<Record<Predecessor['status'], string>> = {
  verified: 'verified in the archive',
  'verified-part': 'verified in the archive up to there, damaged after it',
  missing: 'NOT VERIFIED, it is not in the archive',
  unknown: 'NOT VERIFIED, nothing of it could be when its loss was accepted',
}
