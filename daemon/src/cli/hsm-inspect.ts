import { rm } from 'node:fs/promises'
import { WarderError } from '@warder/contract'
import { loadConfig } from '../config/load.ts'
import { parsePluginConfig } from '../config/plugin-config.ts'
import { tokenConfigs } from '../config/tokens.ts'
import { lendCredentials, lendOperatorSecret } from '../init/lend-secrets.ts'
import { resolvePlugin } from '../plugins/resolve.ts'
import { readPin } from './pin.ts'

export async function hsmInspect({ config: file, ...pin }: { config: string; pinFile?: string }): Promise<void> {
  const { hsm, plugins, credentialsDir } = await loadConfig(file)
  const plugin = await resolvePlugin('hsm', hsm.plugin, { allow: plugins.allow })
  if (plugin.inspect === undefined) {
    throw new WarderError('unsupported-mechanism', `The plugin ${plugin.name} has nothing to show of its token.`)
  }
  const lent = await lendCredentials(credentialsDir, [], undefined)
  try {
    const lentTo = await lendOperatorSecret(tokenConfigs(hsm), lent, () => readPin(pin), undefined)
    const seen: unknown[] = []
    for (const each of lentTo) {
      seen.push(await plugin.inspect(await parsePluginConfig({ kind: 'hsm', specifier: hsm.plugin }, plugin, each)))
    }
    process.stdout.write(`${JSON.stringify(seen.length === 1 ? seen[0] : { tokens: seen }, undefined, 2)}\n`)
  } finally {
    await rm(lent, { recursive: true, force: true })
  }
}
