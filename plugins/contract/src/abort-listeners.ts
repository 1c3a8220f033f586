/**
 * For plugins whose calls wait: one listener on each signal, however many wait for it. Node warns of a leak when a signal
 * that a burst of calls shares gets its eleventh.
 */
export class AbortListeners {
  readonly #waiting = new Map<AbortSignal, { readonly calls: Set<() => void>; readonly all: () => void }>()

  /** Calls back once when the signal aborts. Answers how to stop waiting; stopping twice is stopping once. */
  add(signal: AbortSignal, call: () => void): () => void {
    const { calls, all } = this.#waiting.get(signal) ?? this.#listen(signal)
    calls.add(call)
    return () => {
      calls.delete(call)
      if (calls.size > 0 || this.#waiting.get(signal)?.calls !== calls) return
      signal.removeEventListener('abort', all)
      this.#waiting.delete(signal)
    }
  }

  #listen(signal: AbortSignal) {
    const calls = new Set<() => void>()
    const all = () => {
      this.#waiting.delete(signal)
      for (const call of calls) call()
    }
    const listened = { calls, all }
    this.#waiting.set(signal, listened)
    signal.addEventListener('abort', all, { once: true })
    return listened
  }
}
