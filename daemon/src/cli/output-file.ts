import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { once } from 'node:events'
import { CliError } from './failure.ts'

export interface OutFlags {
  /** Absent, or `-`: stdout. */
  readonly out?: string
  /** Replace what is there. */
  readonly force?: boolean
}

/** Whether what is written is shown to a person, who is not to see anything else in between. */
export const toTerminal = ({ out }: OutFlags): boolean => (out === undefined || out === '-') && process.stdout.isTTY

export type Write = (chunk: Uint8Array) => Promise<void>

/**
 * Lends a way to write. A file appears whole, mode 0600 and durable, once `use` has resolved, and not at all when it rejects.
 * @throws CliError when the file is there already and `force` is not given, or cannot be written
 */
export async function withOutput<T>({ out, force = false }: OutFlags, use: (write: Write) => Promise<T>): Promise<T> {
  if (out === undefined || out === '-') return use(writeStdout)
  // Told before anything is done; whoever comes in between is caught when the file is put in its place.
  if (!force && (await exists(out))) throw taken(out)
  const temporary = `${out}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(temporary, 'wx', 0o600).catch((cause: unknown) => {
    throw unwritable(out, cause)
  })
  try {
    const result = await writeAll(file, use, out)
    if (force) await rename(temporary, out)
    else await place(temporary, out)
    await syncDirectory(dirname(out))
    return result
  } finally {
    await rm(temporary, { force: true })
  }
}

async function writeAll<T>(file: FileHandle, use: (write: Write) => Promise<T>, out: string): Promise<T> {
  try {
    const result = await use(async chunk => {
      await file.writeFile(chunk).catch((cause: unknown) => {
        throw unwritable(out, cause)
      })
    })
    await file.sync()
    return result
  } finally {
    await file.close()
  }
}

/** Unlike rename(2), link(2) never replaces. */
async function place(temporary: string, out: string): Promise<void> {
  await link(temporary, out).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(out, cause)
    throw taken(out)
  })
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function writeStdout(chunk: Uint8Array): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}

function exists(out: string): Promise<boolean> {
  return lstat(out).then(
    () => true,
    () => false,
  )
}

const taken = (out: string): CliError =>
  new CliError(`${out} is there already.`, 'name another file, or repeat the command with --force')

function unwritable(out: string, cause: unknown): CliError {
  const { code } = cause as NodeJS.ErrnoException
  return new CliError(`${out} cannot be written (${code ?? String(cause)}).`, undefined, cause)
}
