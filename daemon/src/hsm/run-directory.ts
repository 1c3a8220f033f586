import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'

/** sockaddr_un holds 108 bytes with the closing NUL (unix(7)). */
const maxSocketPathBytes = 107

export const hostSocketPath = (runDir: string, index: number): string => join(runDir, `hsm-${index}.sock`)
export const statusPath = (runDir: string): string => join(runDir, 'hsm-status.json')

/**
 * The sockets are only as private as their directory: it must be ours and nobody else may enter it.
 * @throws WarderError `config-invalid` naming what to change.
 */
export async function requirePrivateDirectory(runDir: string): Promise<void> {
  const refuse = (reason: string, cause?: unknown) =>
    new WarderError('config-invalid', `The HSM run directory cannot be used: ${reason}`, {
      facts: { field: 'runDir', reason },
      cause,
    })
  if (Buffer.byteLength(hostSocketPath(runDir, 0)) > maxSocketPathBytes) {
    throw refuse('its path is too long for a unix socket: choose a shorter one')
  }
  const found = await stat(runDir).catch((error: unknown) => {
    throw refuse('it does not exist or cannot be read', error)
  })
  if (!found.isDirectory()) throw refuse('it is not a directory')
  if (found.uid !== process.getuid?.()) throw refuse('it belongs to another user: chown it to the user of warder-hsm')
  if ((found.mode & 0o077) !== 0) throw refuse('others may enter it: chmod it to 0700')
}
