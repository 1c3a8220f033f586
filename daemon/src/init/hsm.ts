import { provisioning, type ProvisioningOptions } from './hsm-provisioning.ts'

/**
 * Prepares the token that the configuration names. It may be run again: a token, a key or a PIN that is there is kept.
 *
 * @throws WarderError `unsupported-mechanism` when the plugin prepares no tokens; else what the plugin refuses with.
 */
export async function initHsm(options: ProvisioningOptions): Promise<void> {
  const done = await provisioning(options, 'prepares no tokens', plugin => plugin.provision?.bind(plugin))
  for (const line of done) options.say(line)
  if (done.length === 0) options.say('the token was prepared before; nothing was changed')
}
