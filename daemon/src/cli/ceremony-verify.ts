import { resolve } from 'node:path'
import { ceremonyAction, readJournal } from '@warder/core'
import { compareKeys, type ComparedKey, type KeyVerdict } from '../ceremony/compare.ts'
import { readTranscriptFile } from '../ceremony/transcripts.ts'
import { loadConfig } from '../config/load.ts'
import { recordToken } from '../init/hsm-ceremony.ts'
import { readJournalDirectory } from '../journal/journal-directory.ts'
import type { Format } from './format.ts'
import { journalBelow } from './journal-below.ts'
import { readPin } from './pin.ts'
import { printThing } from './print.ts'

export interface CeremonyVerifyFlags {
  readonly config: string
  readonly format: Format
  readonly dir?: string
  readonly pinFile?: string
}

/** What one transcript is worth. */
interface Verdict {
  readonly verified: boolean
  readonly digest: string
  /** The record that tells of it; `null` when the journal does not. */
  readonly journal: { readonly seq: number; readonly ts: string } | null
  readonly token: { readonly serial: string; readonly same: boolean }
  readonly keys: readonly ComparedKey[]
}

/**
 * Reads only; the appliance may be running or not. Exit code 1 when the journal does not tell of the transcript, or the token
 * is another one or has not its keys.
 * @throws WarderError `config-invalid` when the transcript was changed, `journal-corrupt` when the journal was
 */
export async function ceremonyVerify(
  path: string,
  { config, format, dir, ...pin }: CeremonyVerifyFlags,
): Promise<void> {
  const transcript = await readTranscriptFile(path)
  const file = resolve(config)
  const journal = await recordOf(transcript.digest, dir ?? (await loadConfig(file)).dataDir)
  const say = (line: string): boolean => process.stderr.write(`${line}\n`)
  const found = await recordToken({ file, newToken: false, say, askOperator: () => readPin(pin) })
  const token = { serial: found.token.serial, same: found.token.serial === transcript.serial }
  const keys = compareKeys(transcript, found)
  const verified = journal !== null && token.same && keys.every(({ verdict }) => worth[verdict])
  const verdict: Verdict = { verified, digest: transcript.digest, journal, token, keys }
  await printThing(format, verdict, shown)
  if (!verified) process.exitCode = 1
}

/** The journal is verified on the way, as far as it goes. */
async function recordOf(digest: string, dir: string): Promise<Verdict['journal']> {
  let found: Verdict['journal'] = null
  await readJournal(readJournalDirectory(await journalBelow(dir)), ({ action, subject, seq, ts }) => {
    if (action === ceremonyAction && subject['digest'] === digest) found ??= { seq, ts }
  })
  return found
}

const worth: Readonly<Record<KeyVerdict, boolean>> = {
  same: true,
  later: true,
  unproven: true,
  other: false,
  missing: false,
}

const said: Readonly<Record<KeyVerdict, string>> = {
  same: 'on the token, with this check value',
  later: 'on the token, made after the ceremony',
  unproven: 'on the token; there is no check value that tells which key it is',
  other: 'ANOTHER KEY OF THIS NAME is on the token',
  missing: 'NOT ON THE TOKEN',
}

function shown({ verified, digest, journal, token, keys }: Verdict): readonly (readonly [string, string])[] {
  return [
    ['Transcript', verified ? 'VERIFIED' : 'NOT VERIFIED'],
    ['SHA-256', digest],
    ['Journal', journal === null ? 'DOES NOT TELL OF IT' : `record ${journal.seq}, ${journal.ts}`],
    ['Token', token.same ? token.serial : `${token.serial}, WHICH IS ANOTHER ONE`],
    ...keys.map(({ key, verdict }) => [key, said[verdict]] as const),
  ]
}
