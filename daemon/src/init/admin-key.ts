import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { WarderError } from '@warder/contract'
import type { AdminKeyDelivery } from '@warder/core'

/** Where the first administrator's key goes, which is shown only once. */
export interface AdminKeySink extends AdminKeyDelivery {
  /** When the run is over; `made`: whether there is a key now that was not there before. Leaves nothing empty behind. */
  close(made: boolean): Promise<void>
}

/** How an API key looks; one of this appliance is told by its check. */
const keyLine = /^wrd_[0-9a-f]{16}_[A-Za-z0-9_-]{54}\n$/
const mostBytes = 256

/**
 * Reserves the file, so that a key is never made that could then not be written. One that is there is taken when a run that
 * was cut short has left it: empty, or with a key; `undefined` for any other.
 * @throws WarderError `config-invalid` when it cannot be made.
 */
export async function reserveKeyFile(path: string): Promise<AdminKeySink | undefined> {
  try {
    const file = await open(path, 'wx', 0o600)
    return sink(path, file, undefined)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return leftBehind(path)
    throw new WarderError('config-invalid', `${path} cannot be written (${code ?? 'failed'}).`, { cause })
  }
}

async function leftBehind(path: string): Promise<AdminKeySink | undefined> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined)
  if (file === undefined) return undefined
  const { size, uid, mode } = await file.stat()
  const own = uid === process.geteuid?.() && (mode & 0o077) === 0
  const text = own && size < mostBytes ? (await file.readFile()).toString('latin1') : undefined
  if (text === '') return sink(path, file, undefined)
  if (text !== undefined && keyLine.test(text)) return sink(path, file, text.trim())
  await file.close()
  return undefined
}

function sink(path: string, file: FileHandle, delivered: string | undefined): AdminKeySink {
  return {
    delivered,
    deliver: async key => {
      if (delivered !== undefined) {
        const message = `${path} holds the key of another appliance: name a file that is not there yet.`
        throw new WarderError('config-invalid', message)
      }
      await file.truncate(0)
      await file.write(`${key}\n`, 0)
      await file.sync()
    },
    close: async made => {
      await file.close()
      // what was left behind with a key in it stays, whatever it is worth: it may be the only one
      if (!made && delivered === undefined) await rm(path)
    },
  }
}

/** A terminal shows it to who sits there, and keeps no copy as a pipe or a log would. */
export function showOnTerminal(stdout: NodeJS.WriteStream): AdminKeySink | undefined {
  if (!stdout.isTTY) return undefined
  return {
    delivered: undefined,
    deliver: async key => {
      stdout.write(`\nThe first administrator's API key. It is shown now and never again:\n\n  ${key}\n\n`)
    },
    close: async made => {
      if (made) stdout.write('It works from now on.\n\n')
    },
  }
}

/** For a run that is to make no key. */
export function nowhere(refusal: WarderError): AdminKeySink {
  return { delivered: undefined, deliver: () => Promise.reject(refusal), close: () => Promise.resolve() }
}
