import { contractMajor, type HsmPlugin, type StoragePlugin } from '@warder/contract'
import { pluginFailed, type PluginPlace } from './faults.ts'

/** What a plugin of each kind is. */
export interface PluginKinds {
  readonly storage: StoragePlugin
  readonly hsm: HsmPlugin
}
export type PluginKind = keyof PluginKinds
export type Capability<Kind extends PluginKind> = keyof PluginKinds[Kind]['supports'] & string

export interface ResolveOptions<Kind extends PluginKind> {
  /** The specifiers that may be imported, word for word. */
  readonly allow: readonly string[]
  /** What the appliance cannot do without. */
  readonly require?: readonly Capability<Kind>[]
}

/**
 * Finds a plugin and checks what it says about itself; nothing of it is opened. Only what the allow-list names is imported.
 * @throws WarderError `plugin-failed`, facts `plugin`, `fault` and `field`
 */
export async function resolvePlugin<Kind extends PluginKind>(
  kind: Kind,
  specifier: string,
  options: ResolveOptions<Kind>,
): Promise<PluginKinds[Kind]> {
  const place = { kind, specifier }
  if (!options.allow.includes(specifier)) {
    throw pluginFailed('not-allowed', place, 'plugin', 'not on the list of allowed plugins', 'add it to plugins.allow')
  }
  const plugin = exported(await importModule(place), place)
  if (plugin.kind !== kind) {
    const wrong = `is a plugin of another kind (${String(plugin.kind)})`
    throw pluginFailed('wrong-kind', place, 'plugin', wrong, `name a ${kind} plugin here`)
  }
  if (plugin.contract !== contractMajor) {
    const wrong = `written for contract ${String(plugin.contract)}, and this appliance has ${contractMajor}`
    throw pluginFailed('wrong-contract', place, 'plugin', wrong, 'install a version of it made for this contract')
  }
  if (!isPlugin(plugin, kind)) {
    const wrong = 'its exported plugin lacks a name, a version, supports, config or open'
    throw pluginFailed('no-export', place, 'plugin', wrong, 'ask its author; it does not follow the contract')
  }
  const supports: Readonly<Record<string, boolean>> = plugin.supports
  for (const capability of options.require ?? []) {
    if (supports[capability] === true) continue
    const fix = `choose a ${kind} plugin that has it`
    throw pluginFailed('missing-capability', place, 'plugin', `does not support ${capability}`, fix)
  }
  return plugin
}

/**
 * For several tokens, where the configuration has them.
 * @throws WarderError `plugin-failed`, fault `missing-capability`, when the plugin's tokens cannot share root keys.
 */
export function requireShared(plugin: PluginKinds[PluginKind], place: PluginPlace): void {
  if (plugin.kind === 'hsm' && plugin.supports.shared === true) return
  const fix = 'take [[hsm.tokens]] out, or choose an hsm plugin that has it'
  throw pluginFailed('missing-capability', place, 'tokens', 'does not support several tokens that share root keys', fix)
}

/** What Node says when there is nothing to import under a specifier, or under one that the module imports itself. */
const notFound: ReadonlySet<unknown> = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_INVALID_MODULE_SPECIFIER',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNSUPPORTED_ESM_URL_SCHEME',
])

async function importModule(place: PluginPlace): Promise<unknown> {
  try {
    return await import(place.specifier)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && notFound.has(cause.code)) {
      const fix = 'install the package and what it needs, or correct its name'
      throw pluginFailed('missing', place, 'plugin', 'it, or a module it imports, was not found', fix, cause)
    }
    if (cause instanceof SyntaxError) {
      const fix = 'reinstall it or install another version'
      throw pluginFailed('broken-syntax', place, 'plugin', 'its code cannot be parsed or linked', fix, cause)
    }
    const fix = 'ask its author: importing a plugin must do nothing'
    throw pluginFailed('throws-at-import', place, 'plugin', 'it failed while it was imported', fix, cause)
  }
}

function exported(module: unknown, place: PluginPlace): Readonly<Record<string, unknown>> {
  if (isRecord(module) && isRecord(module['plugin'])) return module['plugin']
  const fix = 'name a package that is a Warder plugin'
  throw pluginFailed('no-export', place, 'plugin', 'it exports no constant named plugin', fix)
}

function isPlugin<Kind extends PluginKind>(plugin: unknown, kind: Kind): plugin is PluginKinds[Kind] {
  if (!isRecord(plugin)) return false
  const { name, version, supports, config, open } = plugin
  return (
    plugin['kind'] === kind &&
    typeof name === 'string' &&
    typeof version === 'string' &&
    isRecord(supports) &&
    typeof open === 'function' &&
    // A schema may itself be a function, as arktype's are.
    (isRecord(config) || typeof config === 'function') &&
    '~standard' in config
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
