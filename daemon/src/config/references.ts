import { isTable } from './merge.ts'

type Path = readonly (string | number)[]

/** A secret that a plugin's configuration refers to, and where: `pin = { file = "/path" }`, `pin = { credential = "name" }`. */
export interface PluginReference {
  readonly path: Path
  readonly kind: 'file' | 'credential'
  readonly value: string
}

/** Every table that consists of a `file` or a `credential` alone, however deep; not the configuration itself. */
export function referencesIn(config: unknown): PluginReference[] {
  return tablesBelow(config, []).flatMap(({ path, table }) => {
    const reference = asReference(table)
    return reference === undefined ? [] : [{ path, ...reference }]
  })
}

/** Where a plugin's configuration wants a secret of the operator: `pin = { operator = true }`. */
export function operatorSecretsIn(config: unknown): Path[] {
  return tablesBelow(config, []).flatMap(({ path, table }) => (isOperator(table) ? [path] : []))
}

/** The same configuration with a file where it wants the operator's secret, for what is run while nobody can be asked. */
export function withOperatorFile(config: unknown, file: string): unknown {
  const replaced = (value: unknown): unknown => (isOperator(value) ? { file } : withOperatorFile(value, file))
  if (Array.isArray(config)) return config.map(replaced)
  if (!isTable(config)) return config
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, replaced(value)]))
}

/** The same configuration without what refers to a secret: what is left says which token or store it is about. */
export function withoutSecrets(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(withoutSecrets)
  if (!isTable(config)) return config
  if (asReference(config) !== undefined || isOperator(config)) return undefined
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, withoutSecrets(value)]))
}

function asReference(table: Readonly<Record<string, unknown>>): Omit<PluginReference, 'path'> | undefined {
  const [entry, ...others] = Object.entries(table)
  if (entry === undefined || others.length > 0) return undefined
  const [kind, value] = entry
  return (kind === 'file' || kind === 'credential') && typeof value === 'string' ? { kind, value } : undefined
}

function isOperator(value: unknown): boolean {
  return isTable(value) && Object.keys(value).length === 1 && value['operator'] === true
}

interface Placed {
  readonly path: Path
  readonly table: Readonly<Record<string, unknown>>
}

function tablesBelow(value: unknown, path: Path): Placed[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => tablesBelow(each, [...path, index]))
  if (!isTable(value)) return []
  const here = path.length > 0 ? [{ path, table: value }] : []
  return [...here, ...Object.entries(value).flatMap(([key, each]) => tablesBelow(each, [...path, key]))]
}
