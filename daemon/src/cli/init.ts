import { pino } from 'pino'
import { reserveKeyFile, showOnTerminal } from '../init/admin-key.ts'
import { init as run } from '../init/run.ts'
import { createLog } from '../log/create-log.ts'

export async function init({ config, adminKeyFile }: { config: string; adminKeyFile?: string }): Promise<void> {
  await run({
    file: config,
    reserveSink: async () =>
      adminKeyFile === undefined ? showOnTerminal(process.stdout) : reserveKeyFile(adminKeyFile),
    say: line => process.stderr.write(`${line}\n`),
    log: createLog(pino.destination({ fd: 2, sync: true }), 'warn'),
  })
}
