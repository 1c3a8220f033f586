/** Rejects with the signal's reason once it is aborted, and never ends otherwise. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => {
      const reason: unknown = signal.reason
      reject(reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
