import { WarderError } from '@warder/contract'
import { loadPlugin } from '../plugins/load.ts'
import type { OpenProvider } from './host-program.ts'

/** How long a plugin may take to open its token, as far as it yields at all. */
const openTimeoutMs = 30_000

/**
 * Opens the plugin that the supervisor's configuration names; that configuration is the allow-list.
 * @throws WarderError what the plugin refused with, so that a refused PIN is seen as one; else what the loader says.
 */
export const openPlugin: OpenProvider = async (plugin, host) => {
  try {
    const loaded = await loadPlugin('hsm', plugin, { allow: [plugin.specifier], host, openTimeoutMs })
    return loaded.service
  } catch (error) {
    throw WarderError.is(error, 'plugin-failed') && WarderError.is(error.cause) ? error.cause : error
  }
}
