import type { StandardIssue } from '@warder/contract'
import { pluginFailed, type PluginPlace } from '../plugins/faults.ts'
import type { PluginKind, PluginKinds } from '../plugins/resolve.ts'
import { type KeyPath } from './key-positions.ts'

export interface PluginIssue {
  readonly path: KeyPath
  readonly message: string
}

type Checked<Config> =
  { readonly value: Config; readonly issues?: undefined } | { readonly issues: readonly PluginIssue[] }
type ConfigOf<Kind extends PluginKind> = PluginKinds[Kind] extends {
  open(config: infer Config, ...rest: never): unknown
}
  ? Config
  : never

/** Has a plugin's schema check its configuration. Never rejects: a schema that fails is an issue too. */
export async function checkPluginConfig<Kind extends PluginKind>(
  plugin: PluginKinds[Kind],
  config: unknown,
): Promise<Checked<ConfigOf<Kind>>> {
  try {
    const checked = await plugin.config['~standard'].validate(config)
    if (checked.issues === undefined) return { value: checked.value as ConfigOf<Kind> }
    return { issues: checked.issues.flatMap(issuesOf) }
  } catch {
    return { issues: [{ path: [], message: 'the plugin could not check it' }] }
  }
}

/** @throws WarderError `plugin-failed`, naming the field. */
export async function parsePluginConfig<Kind extends PluginKind>(
  place: PluginPlace & { readonly kind: Kind },
  plugin: PluginKinds[Kind],
  config: unknown,
): Promise<ConfigOf<Kind>> {
  const checked = await checkPluginConfig<Kind>(plugin, config)
  if (checked.issues === undefined) return checked.value
  const [issue] = checked.issues
  const field = ['config', ...(issue?.path ?? [])].join('.')
  const fix = 'correct it as its documentation says'
  throw pluginFailed('bad-config', place, field, issue?.message ?? 'is not valid', fix)
}

const toStep = (key: PropertyKey): string | number => (typeof key === 'number' ? key : String(key))

function issuesOf(issue: StandardIssue): PluginIssue[] {
  const path = (issue.path ?? []).map(step => toStep(typeof step === 'object' ? step.key : step))
  // zod names unknown keys beside the path of their table
  const { keys } = issue as { readonly keys?: unknown }
  if (!Array.isArray(keys)) return [{ path, message: issue.message }]
  return keys.map(key => ({ path: [...path, String(key)], message: 'unknown key' }))
}
