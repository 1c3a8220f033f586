import { type Log, WarderError } from '@warder/contract'
import { type Appliance, compose } from '../compose.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { takeListenFd } from '../systemd/listen-fd.ts'
import { type ServiceManager, takeServiceManager } from '../systemd/service-manager.ts'
import { startWatchdog } from '../systemd/watchdog.ts'
import { levelLog, type LeveledLog } from './leveled-log.ts'
import { type InForce, reload } from './reload.ts'
import { requireUser } from './require-user.ts'
import { expiryHealth, readTlsPair, type TlsPair } from './tls-pair.ts'

const dayMs = 86_400_000

/**
 * The program `warder serve`: serves until SIGTERM or SIGINT, also during its start, then lets the requests in flight
 * finish. SIGHUP reloads. The service manager, if there is one, is told `READY=1` once requests are answered, be it with
 * `sealed`. `log` takes every level.
 */
export async function serve(file: string, log: Log): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort(name))
  // a reload that is asked for before there is anything to reload is none: the newest configuration is being read
  const tooEarly = (): void => log.info('not reloaded: still starting')
  process.on('SIGHUP', tooEarly)
  const config = await loadConfig(file)
  const leveled = levelLog(log, config.log.level)
  const manager = takeServiceManager(process.env, process.pid, leveled)
  const fd = takeListenFd(process.env, process.pid)
  await requireUser('user', config.user)
  await serveUntilTold(file, { config, log: leveled, manager, fd, signal: stop.signal }, tooEarly)
}

interface Start {
  readonly config: Config
  readonly log: LeveledLog
  readonly manager: ServiceManager
  readonly fd: number | undefined
  /** Aborted, with the name of the signal, when told to stop. */
  readonly signal: AbortSignal
}

async function serveUntilTold(file: string, start: Start, tooEarly: () => void): Promise<void> {
  const { config, log, manager, fd, signal } = start
  const stopping = async (): Promise<void> => {
    log.info('stopping', { because: String(signal.reason) })
    await manager.notify('STOPPING=1')
  }
  const pair = await readTlsPair(config.tls, process.env)
  let inForce: InForce = { config, tls: pair }
  const tls = () => ({ tls: expiryHealth(inForce.tls.notAfter, new Date()) })
  let appliance: Appliance | undefined
  const tellStatus = (): void => {
    if (appliance !== undefined) void manager.notify(statusOf(appliance))
  }
  try {
    appliance = await compose(config, log, { fd, tls: pair, notices: tls, signal, onChange: tellStatus })
  } catch (error) {
    if (signal.aborted && WarderError.is(error, 'cancelled')) return await stopping()
    throw error
  } finally {
    pair.privateKeyPem.fill(0)
  }

  const serving = appliance
  let reloading: Promise<void> = Promise.resolve()
  const reloadAfter = async (previous: Promise<void>): Promise<void> => {
    await previous
    await manager.notify('RELOADING=1')
    inForce = await reload(inForce, reloadable(file, log, serving))
    await manager.notify('READY=1')
  }
  const onHangUp = (): void => {
    reloading = reloadAfter(reloading)
  }
  process.on('SIGHUP', onHangUp).off('SIGHUP', tooEarly)
  const watchdog = startWatchdog(manager, op => serving.health(op), log)
  const expiry = setInterval(() => warnOfExpiry(log, tls().tls), dayMs)
  warnOfExpiry(log, tls().tls)
  try {
    await manager.notify('READY=1', statusOf(serving))
    await aborted(signal)
    await stopping()
  } finally {
    clearInterval(expiry)
    watchdog[Symbol.dispose]()
    await reloading
    await serving[Symbol.asyncDispose]()
    process.off('SIGHUP', onHangUp)
  }
}

const statusOf = ({ url, whyNot }: Appliance): string =>
  `STATUS=${whyNot === undefined ? `serving ${url}` : `${url}: ${whyNot}`}`

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function reloadable(file: string, log: LeveledLog, appliance: Appliance) {
  return {
    log,
    load: () => loadConfig(file),
    readTls: (tls: Config['tls']) => readTlsPair(tls, process.env),
    useTls: (pair: TlsPair) => appliance.useCertificate(pair),
  }
}

function warnOfExpiry(log: Log, { ok, detail }: ReturnType<typeof expiryHealth>): void {
  if (!ok) log.warn(detail)
}
