import { type Log, WarderError } from '@warder/contract'
import type { Engine } from '@warder/core'
import { errorFields } from './log/error-fields.ts'

const maintainEveryMs = 30_000

/**
 * Does what is due, then again `everyMs` after that is done, so that no two runs overlap. A run that fails is logged; the
 * next one starts over. Disposing it ends the run under way and resolves when that has ended.
 */
export function maintainRegularly(
  engine: Pick<Engine, 'maintain'>,
  log: Log,
  everyMs: number = maintainEveryMs,
): AsyncDisposable {
  const closing = new AbortController()
  const { signal } = closing
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    try {
      await engine.maintain({ signal })
    } catch (error) {
      if (!signal.aborted) log.error('maintenance failed', errorFields(error))
    }
    if (!signal.aborted) timer = setTimeout(start, everyMs)
  }
  const start = (): void => {
    running = run()
  }
  let timer = setTimeout(start, everyMs)
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new WarderError('cancelled', 'The appliance is closing.'))
      clearTimeout(timer)
      await running
    },
  }
}
