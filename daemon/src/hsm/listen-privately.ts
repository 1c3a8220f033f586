import { rm, stat } from 'node:fs/promises'
import type { Server } from 'node:net'
import { WarderError } from '@warder/contract'

/**
 * Listens on a unix socket of this mode, in place of one that a dead process left. The mode is set by the umask when the
 * socket is made, and not after: there is no moment at which others may connect.
 * @throws WarderError `config-invalid` when the file system ignores modes.
 */
export async function listenPrivately(server: Server, socketPath: string, mode: number): Promise<void> {
  await rm(socketPath, { force: true })
  const listening = new Promise<void>((resolve, reject) => server.once('error', reject).once('listening', resolve))
  const before = process.umask(0o777 & ~mode)
  try {
    server.listen(socketPath)
  } finally {
    process.umask(before)
  }
  await listening
  if (((await stat(socketPath)).mode & 0o777) !== mode) {
    server.close()
    throw new WarderError('config-invalid', 'The HSM socket could not be made private', {
      facts: { field: 'runDir', reason: 'its file system ignores modes' },
    })
  }
}
