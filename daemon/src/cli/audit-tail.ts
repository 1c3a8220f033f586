import { setTimeout as wait } from 'node:timers/promises'
import { WarderError } from '@warder/contract'
import type { JournalRecord } from '@warder/core'
import { type Filter, fits } from './audit/filter.ts'
import type { TailRecord } from './audit/records.ts'
import { Segment, segmentsOf } from './audit/segments.ts'
import { unreadable } from './input.ts'
import { journalBelow } from './journal-below.ts'
import { streamText } from './data.ts'
import type { Format } from './format.ts'
import { momentOf } from './moment.ts'

export interface AuditTailFlags extends Omit<Filter, 'since'> {
  readonly dir: string
  readonly since?: string
  readonly lines?: number
  readonly follow?: boolean
  readonly format: Format
}

const pollMs = 200

/** Shows records of a journal that another process may be writing. Ends on SIGINT or SIGTERM when it follows. */
export async function auditTail(flags: AuditTailFlags): Promise<void> {
  const { since, lines = since === undefined ? 10 : Infinity, format } = flags
  const filter = { ...flags, since: since === undefined ? undefined : momentOf(since, 'ago', new Date()) }
  const directory = await journalBelow(flags.dir)
  const names = await segmentsOf(directory).catch((cause: unknown) => {
    throw unreadable(directory, cause)
  })
  if (names.length === 0) throw new WarderError('not-initialised', `${directory} holds no journal.`)
  const { found, last } = await newest(directory, names, filter, lines)
  for (const record of found) await show(record, format)
  if (flags.follow === true) await follow(directory, last, filter, format)
}

/** Reads segments from the newest back, until there are enough records or they are too old. */
async function newest(
  directory: string,
  names: readonly string[],
  filter: Filter,
  lines: number,
): Promise<{ found: TailRecord[]; last: Segment }> {
  const [newestName = '', ...older] = names.toReversed()
  const last = new Segment(directory, newestName)
  let found: TailRecord[] = []
  for (const segment of [last, ...older.map(name => new Segment(directory, name))]) {
    let tooOld = false
    const fitting: TailRecord[] = []
    for await (const each of segment.read()) {
      if (fits(each.record, filter)) fitting.push(each)
      tooOld ||= filter.since !== undefined && Date.parse(each.record.ts) < filter.since.getTime()
    }
    found = lines === 0 ? [] : [...fitting, ...found].slice(-lines)
    if (tooOld || found.length >= lines) break
  }
  return { found, last }
}

async function follow(directory: string, from: Segment, filter: Filter, format: Format): Promise<void> {
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  let segment = from
  while (!ending.signal.aborted) {
    // Asked before reading: what a next segment follows is complete.
    const next = (await segmentsOf(directory)).find(name => name > segment.name)
    for await (const each of segment.read()) if (fits(each.record, filter)) await show(each, format)
    if (next !== undefined) segment = new Segment(directory, next)
    else await wait(pollMs, undefined, { signal: ending.signal }).catch(() => undefined)
  }
}

async function show({ record, json }: TailRecord, format: Format): Promise<void> {
  process.stdout.write(format === 'table' ? `${lineOf(record)}\n` : await streamText(format, json))
}

/** Time, who, what, on what, how it ended, and the request that it belongs to. */
function lineOf({ ts, actor, action, phase, subject, result, correlation }: JournalRecord): string {
  const { space, name, version } = subject
  const where = [space, name].filter(part => typeof part === 'string').join('/')
  const what = `${where}${typeof version === 'number' ? ` v${version}` : ''}`
  const how = phase === 'event' ? result : `${phase} ${result}`
  return [ts, actor, action, what || '-', how, correlation].join('  ').replaceAll(/\p{Cc}/gu, ' ')
}
