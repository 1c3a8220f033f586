import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { z } from 'zod'
import { writeFileDurably } from '../durable-file.ts'

/** Raised when the data directory or what is in storage is written in a way that older versions cannot read. */
export const dataFormat = 1

const schema = z.object({ format: z.int().min(1) })
const pathIn = (dataDir: string): string => join(dataDir, 'format.json')

/**
 * Checks that this version may work on a data directory, and marks one that has no mark yet, which is a new one or one of
 * format 1. Called before anything in it is opened.
 * @throws WarderError `config-invalid`, fact `reason: downgrade`, when a newer version has written it: nothing is touched.
 */
export async function claimDataDirectory(dataDir: string): Promise<void> {
  const format = await readDataFormat(dataDir)
  if (format === undefined) return mark(dataDir)
  if (format === 'damaged') throw new WarderError('config-invalid', `${pathIn(dataDir)} is damaged; restore it.`)
  if (format <= dataFormat) return
  throw new WarderError(
    'config-invalid',
    `${dataDir} was written by a newer Warder (data format ${format}; this one reads up to ${dataFormat}). ` +
      'A downgrade is not possible: install the newer version again, or restore a backup made before the upgrade.',
    { facts: { reason: 'downgrade', format, supported: dataFormat } },
  )
}

/** The mark of a data directory; `undefined` where there is none. Rejects when it may not be read. */
export async function readDataFormat(dataDir: string): Promise<number | 'damaged' | undefined> {
  const text = await readFile(pathIn(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : (parseFormat(text) ?? 'damaged')
}

async function mark(dataDir: string): Promise<void> {
  try {
    await writeFileDurably(pathIn(dataDir), `${JSON.stringify({ format: dataFormat })}\n`)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new WarderError('not-initialised', `There is no ${dataDir}: run warder init.`, { cause })
  }
}

function parseFormat(text: string): number | undefined {
  try {
    return schema.parse(JSON.parse(text)).format
  } catch {
    return undefined
  }
}
