import { pino } from 'pino'
import { createLog } from '../log/create-log.ts'
import { asOwner } from '../recovery/as-owner.ts'
import { verifyStore as run } from '../recovery/verify-store.ts'
import { type Format, note, printData } from './print.ts'
import { withProgress } from './progress.ts'

/** Ends with 1 when a record is not as the journal says. */
export async function verifyStore({ config: file, format }: { config: string; format: Format }): Promise<void> {
  const log = createLog(pino.destination({ fd: 2, sync: true }), 'error')
  const report = await withProgress('records', 1, progress => asOwner(file, config => run(config, log, progress)))
  const { origin, seq, records, counts, differing } = report
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0)
  process.exitCode = total === 0 ? 0 : 1
  if (format !== 'table') return printData(format, { verified: total === 0, ...report })
  if (total === 0) {
    process.stdout.write(`VERIFIED   ${records} records, as record ${seq} of journal ${origin} says\n`)
    return
  }
  const said = Object.entries(counts).filter(([, count]) => count > 0)
  process.stdout.write(
    `FAILED     ${said.map(([found, count]) => `${count} ${found}`).join(', ')} of ${records} records\n`,
  )
  for (const { found, collection, id } of differing) process.stdout.write(`${found.padEnd(9)}  ${collection}/${id}\n`)
  if (differing.length < total) note(`and ${total - differing.length} more`)
}
