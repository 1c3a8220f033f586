import { WarderError } from '@warder/contract'
import { loadConfig } from '../config/load.ts'
import { parsePluginConfig } from '../config/plugin-config.ts'
import { resolvePlugin } from '../plugins/resolve.ts'

export async function hsmInspect({ config: file }: { config: string }): Promise<void> {
  const { hsm, plugins } = await loadConfig(file)
  const plugin = await resolvePlugin('hsm', hsm.plugin, { allow: plugins.allow })
  if (plugin.inspect === undefined) {
    throw new WarderError('unsupported-mechanism', `The plugin ${plugin.name} has nothing to show of its token.`)
  }
  const config = await parsePluginConfig({ kind: 'hsm', specifier: hsm.plugin }, plugin, hsm.config)
  process.stdout.write(`${JSON.stringify(await plugin.inspect(config), undefined, 2)}\n`)
}
