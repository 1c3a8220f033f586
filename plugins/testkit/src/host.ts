import type { Op, PluginHost } from '@warder/contract'

/** A host that keeps no log, for opening plugins in tests. */
export function quietHost(): PluginHost {
  const ignore = () => {}
  return { log: { debug: ignore, info: ignore, warn: ignore, error: ignore }, now: () => new Date() }
}

/** A call that nothing ends. */
export function patientOp(): Op {
  return { signal: new AbortController().signal }
}
