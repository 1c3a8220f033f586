import { createHash } from 'node:crypto'
import { note, printData } from './print.ts'
import { withProgress } from './progress.ts'
import { type OutFlags, withOutput } from './output-file.ts'
import { withRemote } from './remote.ts'
import type { RemoteFlags } from './settings.ts'

export interface BackupFlags extends RemoteFlags, OutFlags {}

/** The file appears whole or not at all. */
export async function backup(flags: BackupFlags): Promise<void> {
  const made = await withRemote(flags, ({ client }) =>
    // The output is opened first: a backup that has nowhere to go is not begun.
    withOutput(flags, async write => {
      const answer = await client.stream('createBackup')
      const hash = createHash('sha256')
      let size = 0
      // how much there will be is not known
      await withProgress('backup, bytes:', undefined, async report => {
        for await (const bytes of answer.bytes) {
          await write(bytes)
          hash.update(bytes)
          size += bytes.length
          report(size)
        }
      })
      return { size, sha256: hash.digest('hex'), residentKeys: Number(answer.headers['warder-resident-keys'] ?? 0) }
    }),
  )
  const toFile = flags.out !== undefined && flags.out !== '-'
  if (flags.format !== 'table' && toFile) return printData(flags.format, made)
  const lines = [`${made.size} bytes, SHA-256 ${made.sha256}`]
  if (made.residentKeys > 0) {
    lines.push(
      `${made.residentKeys} resident ${made.residentKeys === 1 ? 'key is' : 'keys are'} in the HSM alone and not in the backup; ` +
        '`warder backup verify` names them',
    )
  }
  for (const line of lines) note(line)
}
