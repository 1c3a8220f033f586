import { pino } from 'pino'
import { reserveKeyFile, showOnTerminal } from '../init/admin-key.ts'
import { init as run } from '../init/run.ts'
import { createLog } from '../log/create-log.ts'

export interface InitFlags {
  readonly config: string
  readonly adminKeyFile?: string
  readonly transcript?: string
}

export async function init({ config, adminKeyFile, transcript }: InitFlags): Promise<void> {
  await run({
    file: config,
    transcript,
    reserveSink: async () =>
      adminKeyFile === undefined ? showOnTerminal(process.stdout) : reserveKeyFile(adminKeyFile),
    say: line => process.stderr.write(`${line}\n`),
    log: createLog(pino.destination({ fd: 2, sync: true }), 'warn'),
  })
}
