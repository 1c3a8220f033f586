import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { access, constants, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { z } from 'zod'

const RecordSchema = z.strictObject({
  v: z.literal(1),
  salt: z.base64(),
  hash: z.base64(),
  at: z.iso.datetime(),
})

// RFC 7914; a token's PIN may be four digits, so the record is costly to search and still only a refused PIN
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }

/**
 * Remembers, across restarts, the PIN a token has refused: tokens lock after a few wrong ones, and a process that is
 * restarted would otherwise try again each time. One file per token serial, holding a salted hash (scrypt) and the time.
 */
export class RefusedPin {
  readonly #directory: string
  readonly #path: string

  constructor(directory: string, serial: string) {
    this.#directory = directory
    this.#path = join(directory, `refused-pin.${encodeURIComponent(serial)}.json`)
  }

  /** Makes the directory, and makes sure that a refusal could be written there, before anything is risked. */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await access(this.#directory, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      throw new WarderError('config-invalid', 'the state directory cannot be used', {
        facts: { field: 'stateDir' },
        cause: error,
      })
    }
  }

  /** When this very PIN was refused, if it was. @throws WarderError `pin-refused` when the record cannot be understood. */
  async refusedAt(pin: Uint8Array): Promise<string | undefined> {
    let record: z.output<typeof RecordSchema>
    try {
      record = RecordSchema.parse(JSON.parse(await readFile(this.#path, 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new WarderError('pin-refused', 'the record of a refused PIN is damaged: an operator has to remove it', {
        cause: error,
      })
    }
    const hash = Buffer.from(record.hash, 'base64')
    const same = await derive(pin, Buffer.from(record.salt, 'base64'))
    return hash.length === same.length && timingSafeEqual(hash, same) ? record.at : undefined
  }

  /** Durable when it resolves: temporary file, fsync, rename, fsync of the directory. */
  async remember(pin: Uint8Array, now: Date): Promise<void> {
    const salt = randomBytes(16)
    const hash = await derive(pin, salt)
    const record = { v: 1, salt: salt.toString('base64'), hash: hash.toString('base64'), at: now.toISOString() }
    const temporary = `${this.#path}.${process.pid}.tmp`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(record)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, this.#path)
    const directory = await open(this.#directory, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }

  async forget(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}

function derive(pin: Uint8Array, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(pin, salt, 32, cost, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
