import { type Op, WarderError } from '@warder/contract'

/** Runs `work` with a signal that is aborted when the one given is, or after `ms` milliseconds. Heeding it is the work's. */
export async function withDeadline<T>({ signal }: Op, ms: number, work: (op: Op) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const abort = (): void => controller.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const late = (): void => controller.abort(new WarderError('cancelled', `It was not done within ${ms} ms.`))
  const timer = setTimeout(late, ms)
  try {
    return await work({ signal: controller.signal })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
