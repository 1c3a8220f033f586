import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WarderError } from '@warder/contract'
import { z } from 'zod'
import { syncDirectory, writeFileDurably } from '../durable-file.ts'

/** What a command that rebuilds the data directory has begun and not finished: nothing else works on it until it has. */
const schema = z.discriminatedUnion('act', [
  z.strictObject({
    act: z.literal('restore'),
    /** Names the backup. */
    backup: z.string(),
    /** Of the journal that it opens. */
    origin: z.string(),
    /** Whether a later copy of the old journal was given. */
    later: z.boolean(),
  }),
  z.strictObject({
    act: z.literal('accept-loss'),
    origin: z.string(),
    /** The directory below the archive where the damaged journal goes. */
    archived: z.string(),
  }),
])
export type Unfinished = z.infer<typeof schema>

const pathIn = (dataDir: string): string => join(dataDir, 'unfinished.json')
const commands = { restore: 'warder restore', 'accept-loss': 'warder audit accept-loss' } as const

/** @throws WarderError `config-invalid` when it cannot be read */
export async function readUnfinished(dataDir: string): Promise<Unfinished | undefined> {
  let text: string
  try {
    text = await readFile(pathIn(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new WarderError('config-invalid', `${pathIn(dataDir)} is damaged.`)
}

/** Durable when it resolves. */
export const markUnfinished = (dataDir: string, what: Unfinished): Promise<void> =>
  writeFileDurably(pathIn(dataDir), `${JSON.stringify(what)}\n`)

export async function markFinished(dataDir: string): Promise<void> {
  await rm(pathIn(dataDir), { force: true })
  await syncDirectory(dirname(pathIn(dataDir)))
}

/** @throws WarderError `not-initialised` when `warder restore` or `warder audit accept-loss` has to be repeated first */
export async function refuseUnfinished(dataDir: string): Promise<void> {
  const unfinished = await readUnfinished(dataDir)
  if (unfinished === undefined) return
  throw new WarderError(
    'not-initialised',
    `${commands[unfinished.act]} was begun in ${dataDir} and has not finished: repeat it.`,
    { facts: { reason: 'unfinished', act: unfinished.act } },
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
