import { WarderError } from '@warder/contract'
import { resolvePlugin } from '../plugins/resolve.ts'

export async function hsmDevToken({ plugin: specifier, dir }: { plugin: string; dir: string }): Promise<void> {
  const plugin = await resolvePlugin('hsm', specifier, { allow: [specifier] })
  if (plugin.createDevelopmentToken === undefined) {
    throw new WarderError('unsupported-mechanism', `The plugin ${plugin.name} makes no tokens for development.`)
  }
  await plugin.createDevelopmentToken(dir)
}
