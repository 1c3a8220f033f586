import { type CeremonyOptions, holdCeremony } from './hsm-ceremony.ts'

/**
 * Prepares the token that the configuration names, and writes a transcript of what was done. It may be run again: a token, a
 * key or a PIN that is there is kept.
 *
 * @throws WarderError `unsupported-mechanism` when the plugin prepares no tokens; else what the plugin refuses with.
 */
export async function initHsm(options: CeremonyOptions): Promise<void> {
  const done = await holdCeremony(options, 'prepares no tokens', plugin => plugin.provision)
  if (done.length === 0) options.say('the token was prepared before; nothing was changed')
}
