import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { readTranscript, type ReadTranscript } from './read-transcript.ts'

const namePattern = /^ceremony-\d{8}T\d{9}Z\.txt$/
const mostBytes = 1 << 20

/** As a transcript is named that is left in the data directory, where each start looks for it. */
export const transcriptName = (at: Date): string => `ceremony-${at.toISOString().replaceAll(/[-:.]/g, '')}.txt`

/**
 * Reads a transcript.
 * @throws WarderError `config-invalid` when it cannot be read, is none, or is not as it was written
 */
export async function readTranscriptFile(path: string): Promise<ReadTranscript> {
  const transcript = readTranscript(await textOf(path))
  if (transcript === undefined) throw unusable(`${path} is no transcript of a key ceremony.`)
  if (transcript.digest === transcript.stated) return transcript
  throw unusable(
    `${path} was changed: its SHA-256 is ${transcript.digest}, and its last line says ${transcript.stated}.`,
  )
}

/** The transcripts in a data directory, oldest first; `onBad` is told of those that cannot be taken. Never rejects. */
export async function transcriptsIn(
  dataDir: string,
  onBad: (error: unknown) => void = () => {},
): Promise<readonly ReadTranscript[]> {
  const found: ReadTranscript[] = []
  const names = await readdir(dataDir).catch(() => [])
  for (const name of names.filter(each => namePattern.test(each)).toSorted()) {
    try {
      found.push(await readTranscriptFile(join(dataDir, name)))
    } catch (error) {
      onBad(error)
    }
  }
  return found
}

async function textOf(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const found = await file.stat()
      if (!found.isFile() || found.size > mostBytes) throw unusable(`${path} is no transcript of a key ceremony.`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if (WarderError.is(error)) throw error
    throw unusable(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'failed'}).`, error)
  }
}

const unusable = (message: string, cause?: unknown): WarderError =>
  new WarderError('config-invalid', message, { cause })
