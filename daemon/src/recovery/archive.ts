import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDirectory } from '../durable-file.ts'
import { writeFully } from '../journal/append-file.ts'

/** Journals that ended, each in a directory named by its origin: kept as evidence, never written again. */
export const archiveDirectory = (dataDir: string): string => join(dataDir, 'journal-archive')

/** Where the journal that follows is written, until it is whole. */
export const nextJournalDirectory = (dataDir: string): string => join(dataDir, 'journal.new')

/** A journal on its way into the archive, piece by piece. It appears there whole, or not at all. */
export class ArchiveWriter {
  readonly #final: string
  readonly #partial: string
  #segment: string | undefined
  #file: Awaited<ReturnType<typeof open>> | undefined

  private constructor(final: string, partial: string) {
    this.#final = final
    this.#partial = partial
  }

  /** What an interrupted one left is removed. */
  static async begin(dataDir: string, origin: string): Promise<ArchiveWriter> {
    const final = join(archiveDirectory(dataDir), origin)
    const partial = `${final}.partial`
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true, mode: 0o700 })
    return new ArchiveWriter(final, partial)
  }

  /** The directory to read what was written so far from. */
  get partial(): string {
    return this.#partial
  }

  async write(segment: string, bytes: Uint8Array): Promise<void> {
    if (segment !== this.#segment) {
      await this.flush()
      this.#segment = segment
      this.#file = await open(join(this.#partial, segment), 'wx', 0o600)
    }
    if (this.#file !== undefined) await writeFully(this.#file, bytes)
  }

  /** What was written is durable when it resolves. */
  async flush(): Promise<void> {
    await this.#file?.sync()
    await this.#file?.close()
    this.#file = undefined
    this.#segment = undefined
  }

  async finish(): Promise<void> {
    await this.flush()
    await syncDirectory(this.#partial)
    await rename(this.#partial, this.#final)
    await syncDirectory(dirname(this.#final))
    await syncDirectory(dirname(dirname(this.#final)))
  }
}

/** Whether there is anything but the reserve, which is made before there is a journal. */
export async function hasJournal(directory: string): Promise<boolean> {
  return (await filesIn(directory)).some(name => name !== 'reserve')
}

/** The names in a directory; none when it is not there. */
export async function filesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

/** Moves a journal to where none is; durable when it resolves. */
export async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  if (!(await hasJournal(to))) await rm(to, { recursive: true, force: true })
  await rename(from, to)
  await syncDirectory(dirname(to))
  await syncDirectory(dirname(from))
}
