import { WarderError } from '@warder/contract'

/** Each way in which loading a plugin can fail. */
export type PluginFault =
  | 'not-allowed'
  | 'missing'
  | 'broken-syntax'
  | 'throws-at-import'
  | 'no-export'
  | 'wrong-kind'
  | 'wrong-contract'
  | 'missing-capability'
  | 'bad-config'
  | 'open-failed'
  | 'open-timed-out'
  | 'not-a-service'

/** Where in the configuration the plugin was named. */
export interface PluginPlace {
  readonly kind: string
  readonly specifier: string
}

/** `plugin-failed`: which plugin, which field of the configuration, what is wrong there and what to do about it. */
export function pluginFailed(
  fault: PluginFault,
  { kind, specifier }: PluginPlace,
  field: string,
  wrong: string,
  fix: string,
  cause?: unknown,
): WarderError {
  const at = field === '' ? kind : `${kind}.${field}`
  return new WarderError('plugin-failed', `plugin ${specifier}: ${at}: ${wrong}; ${fix}`, {
    facts: { plugin: specifier, fault, field: at },
    ...(cause === undefined ? {} : { cause }),
  })
}
