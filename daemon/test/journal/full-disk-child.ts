import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { Journal } from '../../../core/src/audit/journal.ts'
import { readJournal } from '../../../core/src/audit/read.ts'
import { openJournalDirectory, readJournalDirectory } from '../../src/journal/journal-directory.ts'
import { contextIn, event, refusal } from './support.ts'

// `node full-disk-child.ts DISK mount`: lets a journal run into a full disk, and tells what it saw as JSON. With `mount`,
// a disk of 4 MiB is mounted on DISK first, which takes a mount namespace of one's own.

export interface FullDiskReport {
  readonly acknowledged: readonly string[]
  /** The reasons of the first refusals. */
  readonly refusals: readonly string[]
  readonly healthy: boolean
  /** The journal's records after the stop, and how many bytes follow the last commit. */
  readonly onDisk: readonly string[]
  readonly tail: number
  /** Why a new segment could not be made, and how many files the attempt left. */
  readonly newSegment: string
  readonly files: readonly string[]
  /** Why it does not start while the disk is full. */
  readonly startOnFullDisk: string
  readonly afterRoom: readonly string[]
  /** The size of the reserve after that. */
  readonly reserve: number
}

const [disk = '', mount = ''] = process.argv.slice(2)
if (mount === 'mount') {
  await mkdir(disk, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', disk])
}
const directory = join(disk, 'journal')
const filler = join(disk, 'filler')

function fillDisk(): void {
  const file = openSync(filler, 'w')
  try {
    for (let size = 1 << 20; size >= 1;) {
      try {
        if (writeSync(file, Buffer.alloc(size)) < size) size >>= 1
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        size >>= 1
      }
    }
  } finally {
    closeSync(file)
  }
}

async function records(): Promise<{ names: string[]; tail: number }> {
  const names: string[] = []
  const { tail } = await readJournal(readJournalDirectory(directory), ({ action, correlation, result }) => {
    names.push(action === 'key:sign' ? correlation : action === 'journal:stop' ? `${action} ${result}` : action)
  })
  return { names, tail: tail.bytes }
}

async function work(): Promise<FullDiskReport> {
  const journal = await Journal.create(await contextIn(directory), 'origin-1')
  const acknowledged = ['journal:genesis']
  const refusals: string[] = []
  const append = async (name: string): Promise<void> => {
    await journal.append(event(name, { reason: 'x'.repeat(1500) }))
    acknowledged.push(name)
  }
  for (let n = 0; n < 10; n++) await append(`before-${n}`)
  fillDisk()
  for (let n = 0; refusals.length < 2; n++) {
    await append(`full-${n}`).catch((error: unknown) => {
      if (!WarderError.is(error, 'journal-unavailable')) throw error
      refusals.push(String(error.facts['reason']))
    })
  }
  const healthy = journal.health().ok
  await journal.close()
  const { names: onDisk, tail } = await records()

  // the last record took its room from the reserve: now there is none at all
  fillDisk()
  const startOnFullDisk = String((await refusal(openJournalDirectory(directory))).facts['reason'])
  rmSync(filler)
  const files = await openJournalDirectory(directory)
  fillDisk()
  const newSegment = String((await refusal(files.create('other', Buffer.alloc(1 << 20)))).facts['reason'])
  rmSync(filler)

  const again = await Journal.open(await contextIn(directory), () => {})
  await again.append(event('after'))
  await again.close()
  return {
    acknowledged,
    refusals,
    healthy,
    onDisk,
    tail,
    newSegment,
    startOnFullDisk,
    files: (await files.list()).toSorted(),
    afterRoom: (await records()).names,
    reserve: (await stat(join(directory, 'reserve'))).size,
  }
}

try {
  process.stdout.write(JSON.stringify(await work()))
} finally {
  // outside a namespace the disk is one that others use
  rmSync(filler, { force: true })
}
