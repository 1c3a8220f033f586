import { resolve } from 'node:path'
import type { TokenRecord } from '@warder/contract'
import { ceremonyAction, readJournal } from '@warder/core'
import { compareKeys, type ComparedKey, type KeyVerdict } from '../ceremony/compare.ts'
import type { ReadTranscript } from '../ceremony/read-transcript.ts'
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
  readonly token: VerifiedToken
  readonly keys: readonly ComparedKey[]
  /** The other tokens that share the root keys; absent where there is one. */
  readonly peers?: readonly { readonly token: VerifiedToken; readonly keys: readonly ComparedKey[] }[]
}

/** `same`: the transcript tells of it. */
interface VerifiedToken {
  readonly serial: string
  readonly same: boolean
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
  const { token, keys } = verify(found, transcript)
  const peers = (found.peers ?? []).map(each => verify(each, transcript))
  const all = [{ token, keys }, ...peers]
  const told = transcript.tokens.every(({ serial }) => all.some(each => each.token.serial === serial))
  const verified = journal !== null && told && all.every(isVerified)
  const verdict: Verdict = {
    verified,
    digest: transcript.digest,
    journal,
    token,
    keys,
    ...(peers.length > 0 && { peers }),
  }
  await printThing(format, verdict, shown)
  if (!verified) process.exitCode = 1
}

function verify(found: TokenRecord, { tokens }: ReadTranscript): Pick<Verdict, 'token' | 'keys'> {
  const { serial } = found.token
  const told = tokens.find(each => each.serial === serial)
  // the only token of a transcript is held against the only one there is, whatever it calls itself
  const against = told ?? (found.peers === undefined ? tokens[0] : undefined) ?? { keys: [] }
  return { token: { serial, same: told !== undefined }, keys: compareKeys(against, found) }
}

/** Of a token that was added since, a transcript says nothing. */
const isVerified = ({ token, keys }: Pick<Verdict, 'token' | 'keys'>): boolean =>
  !token.same || keys.every(({ verdict }) => worth[verdict])

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

function shown({
  verified,
  digest,
  journal,
  token,
  keys,
  peers = [],
}: Verdict): readonly (readonly [string, string])[] {
  return [
    ['Transcript', verified ? 'VERIFIED' : 'NOT VERIFIED'],
    ['SHA-256', digest],
    ['Journal', journal === null ? 'DOES NOT TELL OF IT' : `record ${journal.seq}, ${journal.ts}`],
    ...[{ token, keys }, ...peers].flatMap(each => [
      ['Token', each.token.same ? each.token.serial : `${each.token.serial}, WHICH IS ANOTHER ONE`] as const,
      ...each.keys.map(({ key, verdict }) => [key, said[verdict]] as const),
    ]),
  ]
}
