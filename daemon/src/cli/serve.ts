import { pino } from 'pino'
import { createLog } from '../log/create-log.ts'
import { serve as run } from '../serve/run.ts'

export async function serve({ config }: { config: string }): Promise<void> {
  await run(config, createLog(pino.destination({ fd: 2, sync: true }), 'debug'))
}
