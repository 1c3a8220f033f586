import { resolve } from 'node:path'
import { examine } from '../doctor/run.ts'
import { printFindings } from './doctor-report.ts'
import type { Format } from './format.ts'
import { withJournalProgress } from './journal-progress.ts'

export async function doctor({ config, format }: { config: string; format: Format }): Promise<void> {
  const findings = await examine({
    file: resolve(config),
    withJournal: (directory, read) => withJournalProgress(directory, format, read),
  })
  await printFindings(format, findings)
}
