import { pino } from 'pino'
import { loadConfig } from '../config/load.ts'
import { hostCount, tokenConfigs } from '../config/tokens.ts'
import { runSupervisor } from '../hsm/main.ts'
import { createLog } from '../log/create-log.ts'
import { requireUser } from '../serve/require-user.ts'
import { takeServiceManager } from '../systemd/service-manager.ts'
import { sharingOf } from '../systemd/sharing.ts'

export async function hsmServe({
  config: file,
  exitWithParent = false,
}: {
  config: string
  exitWithParent?: boolean
}): Promise<void> {
  const { hsm, log: logging } = await loadConfig(file)
  await requireUser('hsm.user', hsm.user)
  const { plugin: specifier, runDir, watchdogMs, recycleCalls, recycleRssMiB } = hsm
  const [config, ...peers] = tokenConfigs(hsm)
  const log = createLog(pino.destination({ fd: 2, sync: true }), logging.level)
  const manager = takeServiceManager(process.env, process.pid, log)
  const sharing = await sharingOf(hsm)
  const limits = { watchdogMs, recycleCalls, recycleRssMiB }
  const plugin = { specifier, config, ...(peers.length > 0 && { peers }) }
  const order = { runDir, hosts: hostCount(hsm), ...limits, plugin, ...(sharing && { sharing }) }
  await runSupervisor(order, { log, exitWithParent, manager })
}
