import { pino } from 'pino'
import { loadConfig } from '../config/load.ts'
import { runSupervisor } from '../hsm/main.ts'
import { createLog } from '../log/create-log.ts'

export async function hsmServe({
  config,
  exitWithParent = false,
}: {
  config: string
  exitWithParent?: boolean
}): Promise<void> {
  const { hsm } = await loadConfig(config)
  const { plugin: specifier, config: pluginConfig, ...rest } = hsm
  const log = createLog(pino.destination({ fd: 2, sync: true }), 'info')
  await runSupervisor({ ...rest, plugin: { specifier, config: pluginConfig } }, { log, exitWithParent })
}
