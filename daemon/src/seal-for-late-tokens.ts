import { type Log, WarderError } from '@warder/contract'
import type { HsmClient } from './hsm/client.ts'
import { errorFields } from './log/error-fields.ts'
import { lacksSealing, openStoreSecret } from './store-secret.ts'

const lookEveryMs = 5000

/**
 * Where there are several tokens: has one that was not there when the store secret was opened, or was added since, seal it as
 * soon as it is in reach, so that the appliance can start with that token alone. Disposing it ends what is under way.
 */
export function sealForLateTokens(
  dataDir: string,
  hsm: HsmClient,
  log: Log,
  everyMs: number = lookEveryMs,
): AsyncDisposable {
  const closing = new AbortController()
  const op = { signal: closing.signal }
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  const look = async (): Promise<void> => {
    try {
      if (await lacksSealing(dataDir, hsm, op)) {
        const secret = await openStoreSecret(dataDir, hsm, op)
        secret.fill(0)
        log.info('the store secret is sealed by one more token')
      }
    } catch (error) {
      if (!op.signal.aborted) log.error('the store secret could not be sealed by each token', errorFields(error))
    }
    lookLater()
  }
  const lookLater = (): void => {
    if (op.signal.aborted || hsm.tokens === 1) return
    timer = setTimeout(() => {
      running = look()
    }, everyMs)
  }
  lookLater()
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new WarderError('cancelled', 'The appliance is closing.'))
      clearTimeout(timer)
      await running
    },
  }
}
