import type { Health, Log, Op } from '@warder/contract'
import { errorFields } from '../log/error-fields.ts'
import type { ServiceManager } from './service-manager.ts'

/**
 * Says `WATCHDOG=1` three times in the manager's interval, each time after every part has answered for its health. A part
 * that answers "not well" does not stop it: a token that is away is not mended by killing this process. What does stop it
 * is an event loop that does not turn, or a part that does not answer at all.
 */
export function startWatchdog(
  manager: ServiceManager,
  health: (op: Op) => Promise<Readonly<Record<string, Health>>>,
  log: Log,
): Disposable {
  const { watchdogMs } = manager
  if (watchdogMs === undefined) return { [Symbol.dispose]: () => {} }
  let asking = false
  const ask = async (): Promise<void> => {
    if (asking) return
    asking = true
    try {
      await health({ signal: AbortSignal.timeout(watchdogMs) })
      await manager.notify('WATCHDOG=1')
    } catch (error) {
      log.error('the health of the appliance cannot be asked', errorFields(error))
    } finally {
      asking = false
    }
  }
  const timer = setInterval(() => void ask(), watchdogMs / 3)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
