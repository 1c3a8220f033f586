import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { WarderError } from '@warder/contract'

/**
 * Locks an open file for whoever holds it: flock(1) locks the descriptor it inherits, and the lock stays when it exits. It
 * goes when the file is closed, and the kernel closes it when the process ends, however it dies.
 * @throws WarderError `storage-unavailable` when another opener has the lock.
 */
export async function lock(fd: number): Promise<void> {
  const child = spawn('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
    env: { PATH: '/usr/bin:/bin' },
  })
  const [exitCode] = (await once(child, 'close')) as [number | null]
  if (exitCode !== 0) throw new WarderError('storage-unavailable', 'The log is open already, or cannot be locked.')
}
