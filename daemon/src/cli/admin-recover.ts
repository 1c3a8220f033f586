import { pino } from 'pino'
import { recoverAdmin } from '../compose.ts'
import { type AdminKeySink, reserveKeyFile, showOnTerminal } from '../init/admin-key.ts'
import { createLog } from '../log/create-log.ts'
import { asOwner } from '../recovery/as-owner.ts'
import { CliError } from './failure.ts'
import { note } from './print.ts'

export interface AdminRecoverFlags {
  readonly config: string
  readonly adminKeyFile?: string
}

export async function adminRecover({ config: file, adminKeyFile }: AdminRecoverFlags): Promise<void> {
  const sink = await reserve(adminKeyFile)
  const log = createLog(pino.destination({ fd: 2, sync: true }), 'error')
  let made = false
  try {
    await asOwner(file, config => recoverAdmin(config, log, sink))
    made = true
  } finally {
    await sink.close(made)
  }
  note(
    "made an administrator's key that is valid for a year, and journaled it as admin:recover; all other keys stay valid: " +
      '`warder apikey list` shows them, `warder apikey revoke ID` ends those that were lost',
  )
}

async function reserve(adminKeyFile: string | undefined): Promise<AdminKeySink> {
  const sink = adminKeyFile === undefined ? showOnTerminal(process.stdout) : await reserveKeyFile(adminKeyFile)
  if (sink !== undefined) return sink
  throw adminKeyFile === undefined
    ? new CliError('The key would have nowhere to go.', 'run this on a terminal, or with --admin-key-file FILE')
    : new CliError(`${adminKeyFile} is there already.`, 'name a file that is not there yet')
}
