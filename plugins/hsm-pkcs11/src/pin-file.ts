import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'

/**
 * Makes a file with a new random PIN: 160 bits as 40 hexadecimal digits, mode 0600, durable when it resolves. Never
 * overwrites: rejects with `EEXIST` when the file is there.
 */
export async function writePinFile(path: string): Promise<void> {
  const random = randomBytes(20)
  const digits = Buffer.alloc(41)
  try {
    digits.write(random.toString('hex'), 'latin1')
    digits.write('\n', 40, 'latin1')
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(digits)
      await file.sync()
    } finally {
      await file.close()
    }
  } finally {
    random.fill(0)
    digits.fill(0)
  }
}
