import { isTable } from './merge.ts'

/** A secret that a plugin's configuration refers to, and where: `pin = { file = "/path" }`, `pin = { credential = "name" }`. */
export interface PluginReference {
  readonly path: readonly (string | number)[]
  readonly kind: 'file' | 'credential'
  readonly value: string
}

/** Every table that consists of a `file` or a `credential` alone, however deep; not the configuration itself. */
export function referencesIn(config: unknown, path: readonly (string | number)[] = []): PluginReference[] {
  if (Array.isArray(config)) return config.flatMap((each, index) => referencesIn(each, [...path, index]))
  if (!isTable(config)) return []
  const [entry, ...others] = Object.entries(config)
  if (path.length > 0 && entry !== undefined && others.length === 0) {
    const [kind, value] = entry
    if ((kind === 'file' || kind === 'credential') && typeof value === 'string') return [{ path, kind, value }]
  }
  return Object.entries(config).flatMap(([key, value]) => referencesIn(value, [...path, key]))
}
